"""The Slack app, and its life from the first call to the last."""

import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.blocks import markdown
from adapters.slack.escaping import fallback, neutralize_mentions
from adapters.slack.events import BotIdentity
from adapters.slack.identity import identify
from adapters.slack.listeners import Listeners
from adapters.slack.socket import Socket, check_app_token
from adapters.slack.timeouts import USUAL, Timeouts
from adapters.slack.web_api import SlackRefusedError, SlackUnreachableError, call_api, web_client
from core.chat.services import ChatServices
from core.errors import DeliveryError

log = structlog.get_logger()

LARGEST_BODY = 1024 * 1024
"""Bytes of a request in HTTP mode; a click brings its whole message along."""


@dataclass(frozen=True, slots=True)
class Access:
    """How Slack is reached: with an `app_token` by Socket Mode, else with a `signing_secret` over HTTP. `admins` are
    people, by their ids, who may do what admins and owners of the workspace may. Of the ten sockets that Slack lets an
    app have, `sockets` are this process'; with none it only takes over what others leave."""

    bot_token: str
    app_token: str = ""
    signing_secret: str = ""
    api_url: str = "https://slack.com/api/"
    admins: frozenset[str] = frozenset()
    sockets: int = 1


class SlackBot:
    """The bot in one workspace. To be used within `open`."""

    name = "slack"

    def __init__(self, desk: ChatServices, access: Access, times: Timeouts = USUAL) -> None:
        self._desk = desk
        self._times = times
        self._access = access
        self._app: AsyncApp | None = None
        self._client: AsyncWebClient | None = None
        self._sockets: list[Socket] = []
        self._me: BotIdentity | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None, None]:
        """Listens, for the length of the block. At its end no more is taken, and what runs may finish. Raises
        StartupError
        for a token that is wrong and a scope that is missing."""
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(web_client(self._access.bot_token, self._access.api_url))
            self._client = client
            self._me = await identify(client)
            if self._access.app_token:
                await check_app_token(client, self._access.app_token)
            log.info("Slack knows this bot", user=self._me.user, team=self._me.team_name)
            listeners = Listeners(client, self._me, self._desk, self._access.admins, self._times)
            app = self._bolt(client, self._me, listeners)
            await stack.enter_async_context(listeners.handling.open())
            self._app = app  # from here on what Slack sends can be taken
            if self._access.app_token:
                self._sockets = [Socket(app, self._access.app_token, self._times) for _ in range(self._access.sockets)]
            for socket in self._sockets:
                await stack.enter_async_context(socket.open())
            yield

    def problem(self) -> str:
        """What keeps the bot from hearing Slack at this moment; nothing when all is well."""
        if self._me is None:
            return "Slack has not been reached yet."
        if self._sockets and all(socket.down_since is not None for socket in self._sockets):
            return "The connection to Slack is down; it is being opened anew."
        return ""

    async def post(self, channel: str, text: str) -> None:
        """Writes Markdown into a channel, unasked. Raises DeliveryError."""
        if self._client is None:
            raise DeliveryError("Slack is not open")
        shown = neutralize_mentions(text)
        content: dict[str, Any] = {"text": fallback(shown), "blocks": [markdown(shown)], "unfurl_links": False}
        try:
            await call_api(self._client.chat_postMessage(channel=channel, **content))
        except (SlackRefusedError, SlackUnreachableError) as error:
            raise DeliveryError(f"Slack: {error}") from error

    async def check(self) -> str:
        """Who the bot is in its workspace. Raises StartupError as `open` does."""
        async with web_client(self._access.bot_token, self._access.api_url) as client:
            me = await identify(client)
            if self._access.app_token:
                await check_app_token(client, self._access.app_token)
        how = "Socket Mode" if self._access.app_token else "HTTP, at POST /slack/events"
        return f"{me.user} in {me.team_name or me.team}, by {how}"

    @property
    def routes(self) -> list[web.RouteDef]:
        """In HTTP mode, where Slack sends everything to."""
        return [] if self._access.app_token else [web.post("/slack/events", self.receive)]

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """A request of Slack in HTTP mode: an event, a command or a click. Its signature and its time are checked."""
        if self._app is None:
            raise web.HTTPServiceUnavailable
        bolt_request = await to_bolt_request(request.clone(client_max_size=LARGEST_BODY))
        return await to_aiohttp_response(await self._app.async_dispatch(bolt_request))

    def _bolt(self, client: AsyncWebClient, me: BotIdentity, listeners: Listeners) -> AsyncApp:
        async def authorize() -> AuthorizeResult:
            return AuthorizeResult(
                enterprise_id=None,
                team_id=me.team,
                bot_user_id=me.user,
                bot_id=me.bot,
                bot_token=self._access.bot_token,
            )

        app = AsyncApp(
            name="footnoted",  # else Bolt looks for the caller's file on disk
            client=client,
            authorize=authorize,
            signing_secret=self._access.signing_secret or None,
            request_verification_enabled=bool(self._access.signing_secret),
            # Slack is answered when a listener returns: what has not been taken is not acknowledged, and comes again.
            process_before_response=True,
            attaching_conversation_kwargs_enabled=False,
            logger=_bolt_log(),
        )
        listeners.register(app)
        return app


def _bolt_log() -> logging.Logger:
    """Bolt warns of tokens that it finds in the environment and does not use, and of events that are not for us."""
    logger = logging.getLogger("slack.bolt")
    logger.setLevel(logging.ERROR)
    return logger
