"""The Socket Mode connection, with a watchdog that reopens it when it is dead."""

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

from adapters.slack.web_api import DEFAULT_TIMEOUTS, Timeouts
from core.periodic import running_periodically

log = structlog.get_logger()


class Socket:
    """One connection of the app; `down_since` is None while it is up."""

    def __init__(self, app: AsyncApp, app_token: str, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> None:
        self._app = app
        self._app_token = app_token
        self._timeouts = timeouts
        self._handler: AsyncSocketModeHandler | None = None
        self.down_since: float | None = monotonic()

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None, None]:
        """Stay connected while the block runs."""
        await self._connect()
        await self._check()
        try:
            async with running_periodically(self._check, every=self._timeouts.check_interval):
                yield
        finally:
            await self._close()

    async def _connect(self) -> None:
        self._handler = AsyncSocketModeHandler(
            self._app,
            self._app_token,
            logger=logging.getLogger("slack.socket"),
            ping_interval=self._timeouts.ping_interval.total_seconds(),
        )
        self._handler.client.proxy = self._app.client.proxy
        try:
            async with asyncio.timeout(self._timeouts.reconnect_after.total_seconds()):
                await self._handler.connect_async()
        except (TimeoutError, OSError, aiohttp.ClientError, SlackApiError) as error:
            log.warning("Slack connection failed", cause=str(error))

    async def _close(self) -> None:
        handler, self._handler = self._handler, None
        if handler is None:
            return
        await _close_quietly(handler.client.disconnect())
        await _close_quietly(handler.close_async())
        await _close_quietly(handler.client.aiohttp_client_session.close())

    async def _check(self) -> None:
        """Reopen a connection that the SDK has not restored in time."""
        if self._handler and await self._handler.client.is_connected():
            if self.down_since is not None:
                log.info("Slack connection established")
            self.down_since = None
            return
        if self.down_since is None:
            self.down_since = monotonic()
            log.warning("Slack connection lost")
        elif monotonic() - self.down_since > self._timeouts.reconnect_after.total_seconds():
            log.warning("Slack connection restarting")
            await self._close()
            await self._connect()


async def _close_quietly(closing: Awaitable[object]) -> None:
    """Close something that may be broken, within two seconds."""
    try:
        async with asyncio.timeout(2):
            await closing
    except (TimeoutError, OSError, aiohttp.ClientError, SlackApiError) as error:
        log.debug("Slack connection close failed", cause=str(error))
