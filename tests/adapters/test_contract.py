"""What every reply promises to whoever waits behind it, whichever platform shows it."""

import json
import re
from collections.abc import Awaitable, Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from redis.exceptions import ConnectionError as RedisConnectionError
from rich.console import Console

from adapters.console import ConsoleReply, JsonReply
from adapters.web.reply import DocumentReply, EventStreamReply
from core.asking import Asker
from core.delivery.delivering import deliver
from core.errors import FootnotedError, KnowledgeUnavailable, ModelBusy, TooLong, TooManyQuestions, Unexpected
from core.vocabulary import Question
from tests.adapters.conftest import Logged
from tests.adapters.discord.replying import replied
from tests.adapters.scripted import ANSWER, FOOTNOTES, TEXT, ScriptedAsker
from tests.adapters.slack import playing
from tests.adapters.web.serving import streamed

QUESTION = Question("What do bees eat?")
SECRET = "sk-secret at /home/somebody"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person or a program sees: the answer's text, and all there is to read."""

    text: str
    everything: str


Play = Callable[[Asker], Awaitable[Shown]]


async def play_stream(asker: Asker) -> Shown:
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


async def play_document(asker: Asker) -> Shown:
    reply = DocumentReply()
    await deliver(asker.ask(QUESTION), reply)
    return shown(reply.response.text or "")


async def play_json(asker: Asker) -> Shown:
    with redirect_stdout(StringIO()) as out:
        await deliver(asker.ask(QUESTION), JsonReply())
    return shown(out.getvalue())


async def play_console(asker: Asker) -> Shown:
    out, err = StringIO(), StringIO()
    with ConsoleReply(Console(file=out), Console(file=err, width=200)) as reply:
        await deliver(asker.ask(QUESTION), reply)
    return Shown(out.getvalue().split("\n\n[")[0].strip(), out.getvalue() + err.getvalue())


async def play_discord(asker: Asker) -> Shown:
    said = await replied(asker, QUESTION)
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
    """Every text and number of a JSON document, and the names under which they stand."""
    match document:
        case dict():
            return [part for name, value in document.items() for part in (name, *values_of(value))]
        case list():
            return [part for value in document for part in values_of(value)]
        case _:
            return [str(document)]


async def play_slack(asker: Asker) -> Shown:
    return with_text(*await playing.in_a_thread(asker, QUESTION))


async def play_slack_privately(asker: Asker) -> Shown:
    return with_text(*await playing.privately(asker, QUESTION))


def with_text(text: str, rest: list[str]) -> Shown:
    return Shown(text, "\n".join([text, *rest]))


every_reply = pytest.mark.parametrize(
    "play", [play_stream, play_document, play_json, play_console, play_discord, play_slack, play_slack_privately]
)
growing_reply = pytest.mark.parametrize("play", [play_stream, play_console, play_discord, play_slack])
chat_reply = pytest.mark.parametrize("play", [play_slack, play_slack_privately])


@every_reply
async def test_the_whole_text_is_shown_with_every_footnote(play: Play) -> None:
    seen = await play(ScriptedAsker())
    assert seen.text == TEXT
    for footnote in FOOTNOTES:
        assert str(footnote.number) in seen.everything
        assert footnote.title in seen.everything
        assert footnote.url in seen.everything or (is_chat(play) and not is_web_address(footnote.url))


@every_reply
async def test_an_answer_without_footnotes_names_the_nearest_posts(play: Play) -> None:
    answer = replace(ANSWER, grounded=False, footnotes=(), nearest=FOOTNOTES)
    seen = await play(ScriptedAsker(answer=answer))
    for footnote in FOOTNOTES:
        assert footnote.title in seen.everything
        assert footnote.url in seen.everything or (is_chat(play) and not is_web_address(footnote.url))


@every_reply
@pytest.mark.parametrize(
    ("error", "known"),
    [
        (ModelBusy(SECRET), ModelBusy),
        (RedisConnectionError(SECRET), KnowledgeUnavailable),
        (ZeroDivisionError(SECRET), Unexpected),
    ],
)
async def test_a_failure_is_a_sentence_and_an_id_and_its_cause_stays_in_the_log(
    play: Play, error: Exception, known: type[FootnotedError], logged: Logged
) -> None:
    seen = await play(ScriptedAsker(error=error))
    line = logged[-1]
    assert known.for_people in seen.everything
    assert line["error_id"] in seen.everything
    assert SECRET in line["cause"]
    for inside in (SECRET, "sk-", "Traceback", type(error).__name__):
        assert inside not in seen.everything


@every_reply
@pytest.mark.parametrize("error", [TooLong(4_000), TooManyQuestions(timedelta(seconds=7))])
async def test_a_question_that_is_refused_is_told_why(play: Play, error: FootnotedError) -> None:
    seen = await play(ScriptedAsker(pieces=(), error=error))
    assert error.for_people in seen.everything
    assert error.id in seen.everything


@chat_reply
async def test_a_long_answer_comes_whole_and_in_order_in_as_many_messages_as_it_takes(play: Play) -> None:
    numbers = range(1_100)
    paragraphs = [f"{number}. Bees live on honey [1].\n\n" for number in numbers]
    pieces = ["".join(paragraphs[at : at + 50]) for at in range(0, len(paragraphs), 50)]
    seen = await play(ScriptedAsker(pieces, replace(ANSWER, text="".join(pieces))))
    assert len("".join(pieces)) > 30_000
    assert [int(found) for found in re.findall(r"(\d+)\. Bees live on honey", seen.text)] == list(numbers)


@chat_reply
async def test_whatever_a_model_or_a_post_writes_nobody_is_called(play: Play) -> None:
    calling = "<!channel> <!here|here> @everyone <@U0PERSON01> `<!channel>` <!subteam^S1|@team>"
    footnotes = (replace(FOOTNOTES[0], title=calling),)
    seen = await play(ScriptedAsker([calling], replace(ANSWER, text=calling, footnotes=footnotes)))
    assert "channel" in seen.text
    assert not re.search(r"<!(?!-)|<@|@(channel|here|everyone)", seen.everything)


@growing_reply
async def test_what_was_written_before_a_failure_stays(play: Play) -> None:
    seen = await play(ScriptedAsker(error=ModelBusy()))
    assert TEXT in seen.everything
    assert seen.everything.index(TEXT) < seen.everything.index(ModelBusy.for_people)


@pytest.mark.parametrize(
    ("error", "status", "waits"),
    [
        (TooManyQuestions(timedelta(seconds=7.4)), 429, "7"),
        (TooManyQuestions(timedelta(milliseconds=3)), 429, "1"),
        (TooLong(4_000), 413, None),
        (ModelBusy(), 503, None),
    ],
)
async def test_programs_are_told_by_the_status_what_kind_of_failure_it_was(
    error: FootnotedError, status: int, waits: str | None
) -> None:
    reply = DocumentReply()
    await reply.fail(error)
    assert (reply.response.status, reply.response.headers.get("Retry-After")) == (status, waits)
