"""The connection to Discord: opened in the background, reopened when it ends, with its current problem."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import aiohttp
import discord
import structlog

from adapters.discord.client import Client
from core.errors import Problem, StartupError

log = structlog.get_logger()

MAX_RETRY_PAUSE = 60.0
"""Seconds between two attempts."""

AUTHENTICATION_FAILED = 4004
"""Close code of the gateway for a token it does not know."""

INVALID_TOKEN = Problem(
    "Discord refuses DISCORD_BOT_TOKEN.",
    "Copy the token from the “Bot” page of your application at https://discord.com/developers/applications.",
)
MESSAGE_CONTENT_DENIED = Problem(
    "Discord does not let this bot read messages, which a channel with mode = “every-question” needs.",
    "Turn on “Message Content Intent” on the “Bot” page of your application, or remove that mode.",
)
_UNREACHABLE = (discord.HTTPException, discord.GatewayNotFound, OSError, aiohttp.ClientError, TimeoutError)


class Connection:
    """The connection of one client: first `log_in`, then `run` until cancelled."""

    def __init__(self, client: Client, token: str) -> None:
        self._client = client
        self._token = token
        self.fatal: Problem | None = None
        """A problem that only an operator can fix; it ends all attempts."""
        self.failed = asyncio.Event()

    def problem(self) -> str:
        """Return why Discord cannot be heard at the moment, or an empty string."""
        if self.fatal:
            return f"{self.fatal.what} {self.fatal.cure}"
        if self._client.user is None:
            return "Discord has not been reached yet."
        return "The connection to Discord is down; reconnecting." if self._client.down else ""

    async def log_in(self) -> None:
        """Log in, retrying while Discord is unreachable. Raise StartupError when it refuses the token."""
        pause = 1.0
        while True:
            try:
                await self._client.login(self._token)
            except discord.LoginFailure:
                self._fail(INVALID_TOKEN)
                raise StartupError(INVALID_TOKEN) from None
            except _UNREACHABLE as error:
                log.warning("Discord unreachable", cause=f"{type(error).__name__}: {error}", retry_in=pause)
                await self._close_session()
                await asyncio.sleep(pause)
                pause = min(pause * 2, MAX_RETRY_PAUSE)
            else:
                return

    async def run(self) -> None:
        """Listen until a fatal problem. discord.py reconnects and resumes itself; reconnect from scratch when it gives
        up.
        """
        pause = 1.0
        connect: Callable[[], Awaitable[None]] = self._client.connect
        while not self.fatal:
            began = monotonic()
            try:
                await connect()
            except discord.PrivilegedIntentsRequired:
                self._fail(MESSAGE_CONTENT_DENIED)
            except discord.ConnectionClosed as error:
                log.error("Discord connection closed", code=error.code)
                if error.code == AUTHENTICATION_FAILED:
                    self._fail(INVALID_TOKEN)
            except StartupError:
                pass  # `log_in` has set the fatal problem
            except Exception as error:  # Boundary: the bot must reconnect after any error.
                log.error("Discord connection failed", cause=f"{type(error).__name__}: {error}", exc_info=error)
            if not self.fatal:
                pause = 1.0 if monotonic() - began > MAX_RETRY_PAUSE else pause
                await asyncio.sleep(pause)
                pause = min(pause * 2, MAX_RETRY_PAUSE)
                connect = self._reconnect

    async def _reconnect(self) -> None:
        await self._client.close()
        self._client.clear()
        await self._close_session()
        await self._client.__aenter__()
        await self.log_in()
        await self._client.connect()

    async def _close_session(self) -> None:
        """Drop the connector: discord.py opens a session per login, but on the connector that it has closed."""
        await self._client.http.close()
        self._client.http.connector = discord.utils.MISSING

    def _fail(self, problem: Problem) -> None:
        self.fatal = problem
        self.failed.set()
        log.error("Discord connection refused", problem=problem.what, cure=problem.cure)
