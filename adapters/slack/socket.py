"""The connection of Socket Mode: it comes back by itself, and a watchdog notices when it is open and dead."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from time import monotonic

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.timeouts import USUAL, Timeouts
from adapters.slack.web_api import SlackRefusedError, SlackUnreachableError, call_api
from core.errors import Problem, StartupError
from core.periodic import running_periodically

log = structlog.get_logger()


class Socket:
    """One connection of the app. `down_since` says since when it has not been well."""

    def __init__(self, app: AsyncApp, app_token: str, times: Timeouts = USUAL) -> None:
        self._app = app
        self._app_token = app_token
        self._times = times
        self._handler: AsyncSocketModeHandler | None = None
        self.down_since: float | None = monotonic()

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None, None]:
        """Connected, for the length of the block."""
        await self._connect()
        await self._watch()
        try:
            async with running_periodically(self._watch, every=self._times.look_every):
                yield
        finally:
            await self._close()

    async def _connect(self) -> None:
        self._handler = AsyncSocketModeHandler(
            self._app,
            self._app_token,
            logger=logging.getLogger("slack.socket"),
            ping_interval=self._times.ping_every.total_seconds(),
        )
        self._handler.client.proxy = self._app.client.proxy
        try:
            async with asyncio.timeout(self._times.within.total_seconds()):
                await self._handler.connect_async()
        except (TimeoutError, OSError, aiohttp.ClientError, SlackApiError) as error:
            log.warning("no connection to Slack", cause=str(error))

    async def _close(self) -> None:
        handler, self._handler = self._handler, None
        if handler is None:
            return
        await _quietly(handler.client.disconnect())
        await _quietly(handler.close_async())
        await _quietly(handler.client.aiohttp_client_session.close())

    async def _watch(self) -> None:
        """Looks whether the connection is well. The SDK notices most of what can happen to it; what it does not mend in
        time is closed and opened anew."""
        if self._handler and await self._handler.client.is_connected():
            if self.down_since is not None:
                log.info("connected to Slack")
            self.down_since = None
            return
        if self.down_since is None:
            self.down_since = monotonic()
            log.warning("the connection to Slack is not well")
        elif monotonic() - self.down_since > self._times.within.total_seconds():
            log.warning("the connection to Slack is opened anew")
            await self._close()
            await self._connect()


async def check_app_token(client: AsyncWebClient, app_token: str) -> None:
    """Raises StartupError for a token that opens no connection. The SDK's own attempts would end in an exception in a
    task
    that nobody reads."""
    try:
        await call_api(client.apps_connections_open(app_token=app_token))
    except SlackRefusedError as error:
        cure = "Generate it under “Basic Information”, “App-Level Tokens”, with the scope connections:write."
        raise StartupError(Problem(f"Slack does not accept SLACK_APP_TOKEN ({error.error}).", cure)) from error
    except SlackUnreachableError as error:
        raise StartupError(
            Problem("Slack cannot be reached.", "Look at the network, a proxy, and SLACK_API_URL.")
        ) from error


async def _quietly(closing: Awaitable[object]) -> None:
    """Closes something that may well be broken, and does not wait for ever."""
    try:
        async with asyncio.timeout(2):
            await closing
    except (TimeoutError, OSError, aiohttp.ClientError, SlackApiError) as error:
        log.debug("a connection was not closed well", cause=str(error))
