"""The Slack bot: its connection, its lifetime and its unprompted messages."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.escaping import neutralize_mentions
from adapters.slack.identity import BotIdentity, check_app_token, identify
from adapters.slack.listeners import Listeners
from adapters.slack.message import message_content
from adapters.slack.socket import Socket
from adapters.slack.web_api import DEFAULT_TIMEOUTS, Timeouts, call_api, web_client
from core.chat.platform_errors import PlatformError
from core.chat.services import ChatServices
from core.errors import DeliveryError

log = structlog.get_logger()

MAX_BODY = 1024 * 1024
"""Bytes of a request in HTTP mode; a click contains its whole message."""


@dataclass(frozen=True, slots=True)
class Access:
    """How Slack is reached: with an `app_token` by Socket Mode, else with a `signing_secret` over HTTP.

    `admins` are ids of users with the rights of the workspace's admins and owners. Of the ten sockets that Slack lets
    an app have, this process opens `sockets`; with none it only takes over the events of dead processes.
    """

    bot_token: str
    app_token: str = ""
    signing_secret: str = ""
    api_url: str = "https://slack.com/api/"
    admins: frozenset[str] = frozenset()
    sockets: int = 1


class SlackBot:
    """The bot in one workspace."""

    name = "slack"

    def __init__(self, services: ChatServices, access: Access, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> None:
        self._services = services
        self._timeouts = timeouts
        self._access = access
        self._app: AsyncApp | None = None
        self._client: AsyncWebClient | None = None
        self._sockets: list[Socket] = []
        self._identity: BotIdentity | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None, None]:
        """Listen while the block runs; at its end, running answers may finish.

        Raises StartupError for a bad token, a missing scope, and when Slack is unreachable.
        """
        async with AsyncExitStack() as stack:
            stack.callback(setattr, self, "_app", None)  # last: while answers finish, events are still stored
            client = await stack.enter_async_context(web_client(self._access.bot_token, self._access.api_url))
            self._client = client
            self._identity = await identify(client)
            if self._access.app_token:
                await check_app_token(client, self._access.app_token)
            log.info("Slack login succeeded", user=self._identity.user, team=self._identity.team_name)
            listeners = Listeners(client, self._identity, self._services, self._access.admins, self._timeouts)
            app = self._bolt(client, self._identity, listeners)
            await stack.enter_async_context(listeners.dispatcher.open())
            self._app = app  # from here on events can be claimed
            if self._access.app_token:
                self._sockets = [
                    Socket(app, self._access.app_token, self._timeouts) for _ in range(self._access.sockets)
                ]
            for socket in self._sockets:
                await stack.enter_async_context(socket.open())
            yield

    async def wait_until_failed(self) -> None:
        """Wait forever: the sockets reconnect themselves."""
        await asyncio.Event().wait()

    def problem(self) -> str:
        if self._identity is None:
            return "Slack has not been reached yet."
        if self._sockets and all(socket.down_since is not None for socket in self._sockets):
            return "The connection to Slack is down; reconnecting."
        return ""

    async def post(self, channel: str, text: str) -> None:
        """Post Markdown into a channel. Raises DeliveryError."""
        if self._client is None:
            raise DeliveryError("Slack is not open")
        content = message_content(neutralize_mentions(text), [])
        try:
            await call_api(self._client.chat_postMessage(channel=channel, unfurl_links=False, **content))
        except PlatformError as error:
            raise DeliveryError(f"Slack: {error}") from error

    async def check(self) -> str:
        """Return the bot's name and workspace. Raises StartupError as `open` does."""
        async with web_client(self._access.bot_token, self._access.api_url) as client:
            identity = await identify(client)
            if self._access.app_token:
                await check_app_token(client, self._access.app_token)
        transport = "Socket Mode" if self._access.app_token else "HTTP, at POST /slack/events"
        return f"{identity.user} in {identity.team_name or identity.team}, by {transport}"

    @property
    def routes(self) -> list[web.RouteDef]:
        """The route that Slack sends to in HTTP mode."""
        return [] if self._access.app_token else [web.post("/slack/events", self.receive)]

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Receive an event, command or click in HTTP mode; Bolt checks its signature and time."""
        if self._app is None:
            raise web.HTTPServiceUnavailable
        bolt_request = await to_bolt_request(request.clone(client_max_size=MAX_BODY))
        return await to_aiohttp_response(await self._app.async_dispatch(bolt_request))

    def _bolt(self, client: AsyncWebClient, identity: BotIdentity, listeners: Listeners) -> AsyncApp:
        async def authorize() -> AuthorizeResult:
            return AuthorizeResult(
                enterprise_id=None,
                team_id=identity.team,
                bot_user_id=identity.user,
                bot_id=identity.bot,
                bot_token=self._access.bot_token,
            )

        app = AsyncApp(
            name="footnoted",  # otherwise Bolt looks for the caller's file on disk
            client=client,
            authorize=authorize,
            signing_secret=self._access.signing_secret or None,
            request_verification_enabled=bool(self._access.signing_secret),
            # Acknowledge when the listener returns, so that Slack repeats what could not be claimed.
            process_before_response=True,
            attaching_conversation_kwargs_enabled=False,
            logger=_bolt_logger(),
        )
        listeners.register(app)
        return app


def _bolt_logger() -> logging.Logger:
    """Return a logger without Bolt's warnings about unused tokens in the environment and about unhandled events."""
    logger = logging.getLogger("slack.bolt")
    logger.setLevel(logging.ERROR)
    return logger
