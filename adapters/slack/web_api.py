"""Calling Slack's Web API: one client for the process, and two kinds of failure that the rest of the adapter tells
apart."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from core.telemetry import RequestRetried, emit
from core.throttle_telemetry import throttle_trace_config

Result = TypeVar("Result")

ANSWERS_WITHIN = 15.0
"""Seconds for one call, without the time that a rate limit asks to wait."""

MOST_WAITS = 5
"""How often one call waits for a rate limit before it is given up."""


TEMPORARY = frozenset({"ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"})
"""What Slack says when the same call may well succeed a little later."""


class SlackRefusedError(Exception):
    """Slack said no, in one word, such as `not_in_channel`."""

    def __init__(self, error: str, needed: str = "") -> None:
        super().__init__(f"{error} (needs the scope {needed})" if needed else error)
        self.error = error
        self.needed = needed


class SlackUnreachableError(Exception):
    """Slack did not answer, or not now: whether the call took effect is not known."""


@asynccontextmanager
async def web_client(token: str, base_url: str) -> AsyncGenerator[AsyncWebClient, None]:
    """A client whose connections are kept. It waits as long as a 429 says, and does nothing else twice: a message that
    was sent again could stand there twice."""
    timeout = aiohttp.ClientTimeout(total=ANSWERS_WITHIN)
    async with aiohttp.ClientSession(timeout=timeout, trace_configs=[throttle_trace_config("slack")]) as session:
        client = AsyncWebClient(
            token=token,
            base_url=base_url if base_url.endswith("/") else f"{base_url}/",
            session=session,
            retry_handlers=[_Patience(max_retry_count=MOST_WAITS)],
        )
        # The SDK would send everything through HTTPS_PROXY, whatever NO_PROXY says.
        client.proxy = proxy_for(base_url)
        yield client


class _Patience(AsyncRateLimitErrorRetryHandler):
    """Waits as a 429 says, and tells that the call is made again."""

    async def prepare_for_next_attempt_async(self, **what: Any) -> None:
        emit(RequestRetried("slack"))
        await super().prepare_for_next_attempt_async(**what)


def proxy_for(address: str) -> str | None:
    """The proxy that the environment names for an address."""
    parts = urlsplit(address)
    return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)


def retry_policy() -> AsyncRetrying:
    """Attempts at something that must arrive: five, over some twenty seconds."""
    return AsyncRetrying(
        retry=retry_if_exception_type(SlackUnreachableError),
        stop=stop_after_attempt(5),
        wait=wait_exponential_jitter(multiplier=0.5, max=8),
        reraise=True,
        before_sleep=lambda _: emit(RequestRetried("slack")),
    )


async def call_api(call: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
    """What Slack answers to a call. Raises SlackRefusedError and SlackUnreachableError."""
    try:
        return await call
    except SlackApiError as error:
        data = getattr(error.response, "data", None)
        said = data.get("error") if isinstance(data, dict) else None
        if not said or said in TEMPORARY:
            raise SlackUnreachableError(str(error)) from error
        raise SlackRefusedError(said, data.get("needed", "") if isinstance(data, dict) else "") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise SlackUnreachableError(f"{type(error).__name__}: {error}") from error


async def shield_until_done(call: Awaitable[Result]) -> Result:
    """Awaits what must not be left half done: a message whose name is not known could never be deleted. Whoever is
    cancelled meanwhile waits for its end first."""
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
