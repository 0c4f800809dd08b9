"""The web application on a real socket, and a parser for its event streams."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from adapters.web.app import About, web_app
from bot.app import Bot
from core.indexing.progress import Progress

Client = TestClient[web.Request, web.Application]
Event = tuple[str, dict[str, Any]]

STREAM = {"Accept": "text/event-stream"}


@asynccontextmanager
async def opened(bot: Bot, progress: Callable[[], Progress | None] = lambda: None) -> AsyncIterator[Client]:
    """Serve the bot's page on a free port; yield a client."""
    model = None if bot.settings.offline else bot.settings.chat_model
    about = About(offline=bot.settings.offline, model=model, sources="garden")
    app = await asyncio.to_thread(web_app, bot.chat_services("web"), progress, about)
    async with listening(app) as client:
        yield client


@asynccontextmanager
async def listening(app: web.Application) -> AsyncIterator[Client]:
    """Serve an application; yield a client."""
    async with TestClient(TestServer(app)) as client:
        yield client


async def raw_status(client: Client, path: str, host: str) -> int:
    """Return the status for a raw path and host, which HTTP clients would normalize."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    status = int((await reader.readline()).split()[1])
    writer.close()
    await writer.wait_closed()
    return status


async def streamed(response: ClientResponse) -> list[Event]:
    """Return all events of a response."""
    text = await response.text()
    return [event_of(block) for block in text.split("\n\n") if block]


async def next_event(response: ClientResponse) -> Event:
    """Wait for the next event of a response."""
    block = await response.content.readuntil(b"\n\n")
    return event_of(block.decode().strip())


def event_of(block: str) -> Event:
    """Parse a server-sent event, which must be one `event` line and one `data` line."""
    name, data = block.split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))
