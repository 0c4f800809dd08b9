"""The connection to Discord: opened in the background, opened anew whatever ends it, and what keeps it from being
there."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import aiohttp
import discord
import structlog

from adapters.discord.client import Client
from core.errors import Problem, StartupError

log = structlog.get_logger()

LONGEST_PAUSE = 60.0
"""Seconds between two attempts."""

TOKEN_REFUSED = 4004
"""The code with which the gateway closes a connection whose token it does not know."""

TOKEN_WRONG = Problem(
    "Discord refuses DISCORD_BOT_TOKEN.",
    "Copy the token from the page “Bot” of your application at https://discord.com/developers/applications.",
)
CONTENT_REFUSED = Problem(
    "Discord does not let this bot read messages, which a channel with mode = “every-question” needs.",
    "Switch on “Message Content Intent” on the page “Bot” of your application, or take that mode out.",
)
_UNREACHABLE = (discord.HTTPException, discord.GatewayNotFound, OSError, aiohttp.ClientError, TimeoutError)


class Connection:
    """One client's: first `log_in`, then `run`, until that is cancelled."""

    def __init__(self, client: Client, token: str) -> None:
        self._client = client
        self._token = token
        self.fatal: Problem | None = None
        """What only an operator can mend; nothing is tried any more then."""
        self.failed = asyncio.Event()

    def problem(self) -> str:
        """Why nothing can be heard of Discord at this moment; nothing when all is well."""
        if self.fatal:
            return f"{self.fatal.what} {self.fatal.cure}"
        if self._client.user is None:
            return "Discord has not been reached yet."
        return "The connection to Discord is down; it is being opened anew." if self._client.down else ""

    async def log_in(self) -> None:
        """Until Discord knows the bot. Raises StartupError when it refuses the token; what cannot be reached is tried
        on."""
        pause = 1.0
        while True:
            try:
                await self._client.login(self._token)
            except discord.LoginFailure:
                self._fail(TOKEN_WRONG)
                raise StartupError(TOKEN_WRONG) from None
            except _UNREACHABLE as error:
                log.warning("Discord cannot be reached", cause=f"{type(error).__name__}: {error}", again_in=pause)
                await self._close_session()
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                return

    async def run(self) -> None:
        """Listens. discord.py reconnects and resumes by itself; what ends it all the same, begins anew. Returns when
        only an operator can mend it."""
        pause = 1.0
        connect: Callable[[], Awaitable[None]] = self._client.connect
        while not self.fatal:
            began = monotonic()
            try:
                await connect()
            except discord.PrivilegedIntentsRequired:
                self._fail(CONTENT_REFUSED)
            except discord.ConnectionClosed as error:
                log.error("Discord has closed the connection", code=error.code)
                if error.code == TOKEN_REFUSED:
                    self._fail(TOKEN_WRONG)
            except StartupError:
                pass  # `problem` tells it
            except Exception as error:  # a door: behind it the bot is to be heard again
                log.error("the connection to Discord ended", cause=f"{type(error).__name__}: {error}", exc_info=error)
            if not self.fatal:
                pause = 1.0 if monotonic() - began > LONGEST_PAUSE else pause
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                connect = self._connect_anew

    async def _connect_anew(self) -> None:
        """What discord.py keeps of the connection before is thrown away."""
        await self._client.close()
        self._client.clear()
        await self._close_session()
        await self._client.__aenter__()
        await self.log_in()
        await self._client.connect()

    async def _close_session(self) -> None:
        """discord.py makes a session for each login, but would put it on the connector that it has closed."""
        await self._client.http.close()
        self._client.http.connector = discord.utils.MISSING

    def _fail(self, problem: Problem) -> None:
        self.fatal = problem
        self.failed.set()
        log.error(problem.what, cure=problem.cure)
