"""Clients of the OpenAI SDK."""

import httpx2
from openai import AsyncAzureOpenAI, AsyncOpenAI, DefaultAsyncHttpx2Client, Timeout

from core.models.openai_errors import is_context_overflow, is_template_error
from core.telemetry import RequestRetried, Service, Throttled, emit

SILENCE = 30.0
"""Seconds of a read; the SDK's default of 600 is too long in a chat. The reader of a stream sets the deadline of the
whole answer."""

RETRIES = 2


def timeout(silence: float = 0) -> Timeout:
    """Return the timeouts of a client that waits so many seconds for each read, but never less than `SILENCE`."""
    return Timeout(max(silence, SILENCE), connect=10.0)


def openai_client(api_key: str | None, base_url: str | None) -> AsyncOpenAI:
    """Create a client of OpenAI or a compatible server. Local servers often need no key, but the SDK does."""
    return AsyncOpenAI(api_key=api_key or "none", base_url=base_url, max_retries=RETRIES, http_client=_http())


def azure_client(endpoint: str, api_key: str, api_version: str) -> AsyncOpenAI:
    """Create a client of Azure OpenAI, where model names are deployment names."""
    return AsyncAzureOpenAI(
        azure_endpoint=endpoint, api_key=api_key, api_version=api_version, max_retries=RETRIES, http_client=_http()
    )


def _http() -> httpx2.AsyncClient:
    return DefaultAsyncHttpx2Client(
        timeout=timeout(), event_hooks={"request": [_emit_retries], "response": [_stop_hopeless_retries]}
    )


async def _emit_retries(request: httpx2.Request) -> None:
    # The SDK retries internally; only this header shows it.
    if request.headers.get("x-stainless-retry-count", "0") != "0":
        emit(RequestRetried(_service(request)))


def _service(request: httpx2.Request) -> Service:
    return "embedding" if request.url.path.endswith("/embeddings") else "chat"


async def _stop_hopeless_retries(response: httpx2.Response) -> None:
    # The SDK retries every 429, even one for a spent quota, unless the reply has this header.
    if response.status_code == httpx2.codes.TOO_MANY_REQUESTS:
        emit(Throttled(_service(response.request)))
        await response.aread()
        if b'"insufficient_quota"' in response.content:
            response.headers["x-should-retry"] = "false"
    elif response.status_code == httpx2.codes.INTERNAL_SERVER_ERROR:
        # llama.cpp reports like this a prompt that is too long or that its template rejects; repeating it is no use.
        await response.aread()
        if is_context_overflow(response.text) or is_template_error(response.text):
            response.headers["x-should-retry"] = "false"
