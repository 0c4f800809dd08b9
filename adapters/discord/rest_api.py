"""Calling Discord's REST API through discord.py, which keeps the rate limits, and two kinds of failure that the rest of
the adapter tells apart."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import discord
from discord.http import Route
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from core.telemetry import RequestRetried, emit

ANSWERS_WITHIN = 90.0
"""Seconds for one call, with all the time that discord.py waits for rate limits and between its own attempts."""

GONE = frozenset({10003, 10008})
"""Unknown channel, unknown message: somebody has deleted it."""

TOKEN_SPENT = frozenset({10015, 10062, 50027})
"""Unknown webhook, unknown interaction, invalid webhook token: the interaction's time is over, or never began."""

NO_ACCESS = frozenset({10003, 50001, 50013, 50083, 160005})
"""Unknown channel, missing access, missing permissions, an archived thread, a locked thread."""

NO_MORE_FOLLOW_UPS = 40094
NO_REPLIES = 160002
"""A reply needs the permission to read the history."""

EDITED_TOO_OFTEN = 30046
"""Of messages that are older than an hour only a few may be edited in an hour."""


class DiscordRefusedError(Exception):
    """Discord understood the call and said no; `code` is its own word for why."""

    def __init__(self, code: int, cause: str) -> None:
        super().__init__(cause)
        self.code = code


class DiscordUnreachableError(Exception):
    """No connection, no answer in time, or a failure on Discord's side; the same call may well succeed later."""


class RestApi:
    """All calls of the bot that are not first responses to interactions."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def call(self, method: str, path: str, json: Mapping[str, Any] | None = None, **names: str) -> dict[str, Any]:
        """One call. `names` fill the path. Raises DiscordRefusedError and DiscordUnreachableError."""
        sent: dict[str, Any] = {} if json is None else {"json": json}
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                answer = await self._client.http.request(Route(method, path, **names), **sent)
        except discord.HTTPException as error:
            if error.status >= 500 or (error.status == 429 and error.code != EDITED_TOO_OFTEN):
                raise DiscordUnreachableError(str(error)) from error
            raise DiscordRefusedError(error.code, str(error)) from error
        except discord.RateLimited as error:
            # Only edits of old messages are told to wait for so long.
            raise DiscordRefusedError(EDITED_TOO_OFTEN, str(error)) from error
        except (OSError, aiohttp.ClientError, TimeoutError, RuntimeError, AttributeError) as error:
            # The last two are what discord.py raises while it has no session, between two connections.
            raise DiscordUnreachableError(f"{type(error).__name__}: {error}") from error
        return answer if isinstance(answer, dict) else {}

    async def insist(
        self, method: str, path: str, json: Mapping[str, Any] | None = None, **names: str
    ) -> dict[str, Any]:
        """A call that does no harm when it arrives twice, made several times before it is given up."""
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(DiscordUnreachableError),
            wait=wait_exponential_jitter(multiplier=0.5, max=8, jitter=0.5),
            stop=stop_after_attempt(5),
            reraise=True,
            before_sleep=lambda _: emit(RequestRetried("discord")),
        )
        async for attempt in attempts:
            with attempt:
                return await self.call(method, path, json, **names)
        raise AssertionError("reraise")
