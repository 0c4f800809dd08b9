"""One SDK client for chat and embeddings."""

import httpx2
from openai import AsyncAzureOpenAI, AsyncOpenAI, DefaultAsyncHttpx2Client, Timeout

from core.telemetry import RequestRetried, Service, Throttled, emit

# Connecting and each read; the SDK's own default of 600 s is no time to wait in a chat. Deadlines of a whole answer
# belong to whoever reads the stream.
TIMEOUT = Timeout(30.0, connect=10.0)
RETRIES = 2


def openai_client(api_key: str | None, base_url: str | None) -> AsyncOpenAI:
    """A client of OpenAI or of a compatible server; servers of one's own often want no key, but the SDK does."""
    return AsyncOpenAI(api_key=api_key or "none", base_url=base_url, max_retries=RETRIES, http_client=_http())


def azure_client(endpoint: str, api_key: str, api_version: str) -> AsyncOpenAI:
    """A client of Azure OpenAI; model names are deployment names there."""
    return AsyncAzureOpenAI(
        azure_endpoint=endpoint, api_key=api_key, api_version=api_version, max_retries=RETRIES, http_client=_http()
    )


def _http() -> httpx2.AsyncClient:
    return DefaultAsyncHttpx2Client(
        timeout=TIMEOUT, event_hooks={"request": [_tell_retries], "response": [_spare_hopeless_retries]}
    )


async def _tell_retries(request: httpx2.Request) -> None:
    # The SDK repeats requests by itself, and says so in this header alone.
    if request.headers.get("x-stainless-retry-count", "0") != "0":
        emit(RequestRetried(_service(request)))


def _service(request: httpx2.Request) -> Service:
    return "embedding" if request.url.path.endswith("/embeddings") else "chat"


async def _spare_hopeless_retries(response: httpx2.Response) -> None:
    # The SDK retries every 429, also the one that says that the money is spent. It honours this header of its server.
    if response.status_code == httpx2.codes.TOO_MANY_REQUESTS:
        emit(Throttled(_service(response.request)))
        await response.aread()
        if b'"insufficient_quota"' in response.content:
            response.headers["x-should-retry"] = "false"
