"""Calls to Slack's Web API: one client per process, retries, and errors that tell refusals from outages."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from core.chat.platform_errors import RefusedError, UnreachableError, retry_policy
from core.telemetry import RequestRetried, emit
from core.throttle_telemetry import throttle_trace_config

Result = TypeVar("Result")

CALL_TIMEOUT = 15.0
"""Seconds for one call, without the time that a rate limit asks to wait."""

MAX_RATE_LIMIT_WAITS = 5

TEMPORARY_ERRORS = frozenset({"ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"})


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Time limits, in one place so that tests can shorten them.

    `stream_for`: Slack ends a stream after about five minutes; the answer moves to the next message before that.
    A socket is pinged every `ping_interval` and checked every `check_interval`; it is reopened when the SDK has not
    restored it within `reconnect_after`.
    """

    stream_for: timedelta = timedelta(minutes=4)
    ping_interval: timedelta = timedelta(seconds=5)
    check_interval: timedelta = timedelta(seconds=5)
    reconnect_after: timedelta = timedelta(seconds=30)


DEFAULT_TIMEOUTS = Timeouts()


class SlackRefusedError(RefusedError):
    """Slack rejected a call, with a code such as `not_in_channel`."""

    def __init__(self, code: str, needed_scope: str = "") -> None:
        super().__init__(f"{code} (needs the scope {needed_scope})" if needed_scope else code)
        self.code = code
        self.needed_scope = needed_scope


class SlackUnreachableError(UnreachableError):
    """Slack did not respond, or failed internally."""


@asynccontextmanager
async def web_client(token: str, base_url: str) -> AsyncGenerator[AsyncWebClient, None]:
    """Open a client with pooled connections.

    It waits as long as a 429 asks and retries nothing else: a message that is sent again could appear twice.
    """
    timeout = aiohttp.ClientTimeout(total=CALL_TIMEOUT)
    async with aiohttp.ClientSession(timeout=timeout, trace_configs=[throttle_trace_config("slack")]) as session:
        client = AsyncWebClient(
            token=token,
            base_url=base_url if base_url.endswith("/") else f"{base_url}/",
            session=session,
            retry_handlers=[_RateLimitHandler(max_retry_count=MAX_RATE_LIMIT_WAITS)],
        )
        # The SDK would send everything through HTTPS_PROXY, whatever NO_PROXY says.
        client.proxy = proxy_for(base_url)
        yield client


class _RateLimitHandler(AsyncRateLimitErrorRetryHandler):
    """Waits as long as a 429 asks, and emits telemetry about the retry."""

    async def prepare_for_next_attempt_async(self, **kwargs: Any) -> None:
        emit(RequestRetried("slack"))
        await super().prepare_for_next_attempt_async(**kwargs)


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for a URL."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)


async def call_api(call: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
    """Await a call. Raises SlackRefusedError and SlackUnreachableError."""
    try:
        return await call
    except SlackApiError as error:
        data = getattr(error.response, "data", None)
        code = data.get("error") if isinstance(data, dict) else None
        if not code or code in TEMPORARY_ERRORS:
            raise SlackUnreachableError(str(error)) from error
        raise SlackRefusedError(code, data.get("needed", "") if isinstance(data, dict) else "") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise SlackUnreachableError(f"{type(error).__name__}: {error}") from error


async def call_with_retries(method: Callable[..., Awaitable[AsyncSlackResponse]], **arguments: Any) -> None:
    """Call an idempotent method until Slack responds. Raises what `call_api` raises."""
    async for attempt in retry_policy("slack"):
        with attempt:
            await call_api(method(**arguments))


async def shield_until_done(call: Awaitable[Result]) -> Result:
    """Await a call that must complete even when the caller is cancelled: an unknown message could never be deleted."""
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
