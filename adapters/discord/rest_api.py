"""Calls to Discord's REST API through discord.py, which keeps the rate limits; failures become two kinds of error."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import discord
from discord.http import Route

from core.chat.platform_errors import RefusedError, UnreachableError, retry_policy

CALL_TIMEOUT = 90.0
"""Seconds for one call, including the time that discord.py waits for rate limits and between its own attempts."""

GONE = frozenset({10003, 10008})
"""Unknown channel, unknown message: it was deleted."""

TOKEN_EXPIRED = frozenset({10015, 10062, 50027})
"""Unknown webhook, unknown interaction, invalid webhook token: the interaction is over, or was never acknowledged."""

NO_ACCESS = frozenset({10003, 50001, 50013, 50083, 160005})
"""Unknown channel, missing access, missing permissions, archived thread, locked thread."""

NO_MORE_FOLLOW_UPS = 40094
CANNOT_REPLY = 160002
"""Replies need the permission to read the message history."""

EDITED_TOO_OFTEN = 30046
"""A message older than an hour may be edited only a few times an hour."""


class DiscordRefusedError(RefusedError):
    """Discord understood the call and refused it; `code` is Discord's JSON error code."""

    def __init__(self, code: int, cause: str) -> None:
        super().__init__(cause)
        self.code = code


class DiscordUnreachableError(UnreachableError):
    """No connection, no answer in time, or a failure on Discord's side; the same call may succeed later."""


class RestApi:
    """All calls of the bot except first responses to interactions."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def call(
        self, method: str, path: str, json: Mapping[str, Any] | None = None, **params: str
    ) -> dict[str, Any]:
        """Make one call; `params` fill the path. Raise DiscordRefusedError or DiscordUnreachableError."""
        body: dict[str, Any] = {} if json is None else {"json": json}
        try:
            async with asyncio.timeout(CALL_TIMEOUT):
                response = await self._client.http.request(Route(method, path, **params), **body)
        except discord.HTTPException as error:
            if error.status >= 500 or (error.status == 429 and error.code != EDITED_TOO_OFTEN):
                raise DiscordUnreachableError(str(error)) from error
            raise DiscordRefusedError(error.code, str(error)) from error
        except discord.RateLimited as error:
            # Only edits of old messages are rate-limited for that long.
            raise DiscordRefusedError(EDITED_TOO_OFTEN, str(error)) from error
        except (OSError, aiohttp.ClientError, TimeoutError, RuntimeError, AttributeError) as error:
            # discord.py raises the last two while it has no session, between two connections.
            raise DiscordUnreachableError(f"{type(error).__name__}: {error}") from error
        return response if isinstance(response, dict) else {}

    async def call_with_retries(
        self, method: str, path: str, json: Mapping[str, Any] | None = None, **params: str
    ) -> dict[str, Any]:
        """Make an idempotent call, repeated while Discord is unreachable."""
        async for attempt in retry_policy("discord"):
            with attempt:
                return await self.call(method, path, json, **params)
        raise AssertionError("reraise")
