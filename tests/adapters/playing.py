"""Every adapter's reply played to an asker, and what a person or a program then sees."""

import json
import re
from collections.abc import Awaitable, Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from rich.console import Console

from adapters.console import ConsoleReply, JsonReply
from adapters.web.reply import DocumentReply, EventStreamReply
from core.answerer import Answerer
from core.chat.delivery import deliver
from core.domain import Question
from tests.adapters.discord.harness import deliver_reply
from tests.adapters.slack import playing
from tests.adapters.web.serving import streamed

QUESTION = Question("What do bees eat?")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person or a program sees: the answer's text, and all there is to read."""

    text: str
    everything: str


Play = Callable[[Answerer], Awaitable[Shown]]


async def play_stream(asker: Answerer) -> Shown:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await deliver(asker.ask(QUESTION), EventStreamReply(response))
        return response

    app = web.Application()
    app.router.add_get("/", handle)
    async with TestClient(TestServer(app)) as client:
        events = await streamed(await client.get("/"))
    text = "".join(data["text"] for name, data in events if name == "wrote")
    return Shown(text, "\n".join([text, *values_of([data for name, data in events if name != "wrote"])]))


async def play_document(asker: Answerer) -> Shown:
    reply = DocumentReply()
    await deliver(asker.ask(QUESTION), reply)
    return shown(reply.response.text or "")


async def play_json(asker: Answerer) -> Shown:
    with redirect_stdout(StringIO()) as out:
        await deliver(asker.ask(QUESTION), JsonReply())
    return shown(out.getvalue())


async def play_console(asker: Answerer) -> Shown:
    out, err = StringIO(), StringIO()
    with ConsoleReply(Console(file=out), Console(file=err, width=200)) as reply:
        await deliver(asker.ask(QUESTION), reply)
    return Shown(out.getvalue().split("\n\n[")[0].strip(), out.getvalue() + err.getvalue())


async def play_discord(asker: Answerer) -> Shown:
    said = await deliver_reply(asker, QUESTION)
    text = "\n\n".join(message.content for message in said).split("\n\n-# ")[0]
    assert not any(message.pings for message in said)
    return Shown(unlinked(text), "\n".join(unlinked(message.content) for message in said))


def unlinked(text: str) -> str:
    """The numbers of footnotes without their links, and links without the angles that keep previews away."""
    return re.sub(r"\(<([^<>]*)>\)", r"(\1)", re.sub(r"\[(\[\d+\])\]\(<[^<>]*>\)", r"\1", text))


def is_chat(play: Play) -> bool:
    """Where people would have nothing of a path."""
    return play in (play_slack, play_slack_privately)


def is_web_address(url: str) -> bool:
    return url.startswith("https://")


def shown(document: str) -> Shown:
    """What is read in one JSON document."""
    read = json.loads(document)
    return Shown(read.get("answer", ""), "\n".join(values_of(read)))


def values_of(document: Any) -> list[str]:
    """Return every text and number of a JSON document, with their names."""
    match document:
        case dict():
            return [part for name, value in document.items() for part in (name, *values_of(value))]
        case list():
            return [part for value in document for part in values_of(value)]
        case _:
            return [str(document)]


async def play_slack(asker: Answerer) -> Shown:
    return with_text(*await playing.in_a_thread(asker, QUESTION))


async def play_slack_privately(asker: Answerer) -> Shown:
    return with_text(*await playing.privately(asker, QUESTION))


def with_text(text: str, rest: list[str]) -> Shown:
    return Shown(text, "\n".join([text, *rest]))


every_reply = pytest.mark.parametrize(
    "play", [play_stream, play_document, play_json, play_console, play_discord, play_slack, play_slack_privately]
)
growing_reply = pytest.mark.parametrize("play", [play_stream, play_console, play_discord, play_slack])
chat_reply = pytest.mark.parametrize("play", [play_slack, play_slack_privately])
