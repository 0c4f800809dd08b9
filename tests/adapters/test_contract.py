"""What every reply guarantees to its reader, on every platform."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from adapters.web.reply import DocumentReply
from core.errors import (
    FootnotedError,
    IndexUnavailableError,
    ModelBusyError,
    QuestionTooLongError,
    TooManyQuestionsError,
    UnexpectedError,
)
from tests.adapters.conftest import Logged
from tests.adapters.playing import Play, chat_reply, every_reply, growing_reply, is_chat, is_web_address
from tests.adapters.scripted import ANSWER, FOOTNOTES, TEXT, ScriptedAsker

SECRET = "sk-secret at /home/somebody"


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
        (ModelBusyError(SECRET), ModelBusyError),
        (RedisConnectionError(SECRET), IndexUnavailableError),
        (ZeroDivisionError(SECRET), UnexpectedError),
    ],
)
async def test_a_failure_shows_a_message_and_an_id_and_only_the_log_has_its_cause(
    play: Play, error: Exception, known: type[FootnotedError], logged: Logged
) -> None:
    seen = await play(ScriptedAsker(error=error))
    line = logged[-1]
    assert known.user_message in seen.everything
    assert line["error_id"] in seen.everything
    assert SECRET in line["cause"]
    for inside in (SECRET, "sk-", "Traceback", type(error).__name__):
        assert inside not in seen.everything


@every_reply
@pytest.mark.parametrize("error", [QuestionTooLongError(limit=4_000), TooManyQuestionsError(timedelta(seconds=7))])
async def test_a_refused_question_is_answered_with_the_reason(play: Play, error: FootnotedError) -> None:
    seen = await play(ScriptedAsker(pieces=(), error=error))
    assert error.user_message in seen.everything
    assert error.id in seen.everything


@chat_reply
async def test_a_long_answer_is_complete_and_in_order_across_messages(play: Play) -> None:
    numbers = range(1_100)
    paragraphs = [f"{number}. Bees live on honey [1].\n\n" for number in numbers]
    pieces = ["".join(paragraphs[at : at + 50]) for at in range(0, len(paragraphs), 50)]
    seen = await play(ScriptedAsker(pieces, replace(ANSWER, text="".join(pieces))))
    assert len("".join(pieces)) > 30_000
    assert [int(found) for found in re.findall(r"(\d+)\. Bees live on honey", seen.text)] == list(numbers)


@chat_reply
async def test_text_of_models_and_posts_mentions_no_people(play: Play) -> None:
    calling = "<!channel> <!here|here> @everyone <@U0PERSON01> `<!channel>` <!subteam^S1|@team>"
    footnotes = (replace(FOOTNOTES[0], title=calling),)
    seen = await play(ScriptedAsker([calling], replace(ANSWER, text=calling, footnotes=footnotes)))
    assert "channel" in seen.text
    assert not re.search(r"<!(?!-)|<@|@(channel|here|everyone)", seen.everything)


@growing_reply
async def test_text_written_before_a_failure_stays(play: Play) -> None:
    seen = await play(ScriptedAsker(error=ModelBusyError()))
    assert TEXT in seen.everything
    assert seen.everything.index(TEXT) < seen.everything.index(ModelBusyError.user_message)


@pytest.mark.parametrize(
    ("error", "status", "waits"),
    [
        (TooManyQuestionsError(timedelta(seconds=7.4)), 429, "7"),
        (TooManyQuestionsError(timedelta(milliseconds=3)), 429, "1"),
        (QuestionTooLongError(limit=4_000), 413, None),
        (ModelBusyError(), 503, None),
    ],
)
async def test_the_http_status_tells_the_kind_of_failure(error: FootnotedError, status: int, waits: str | None) -> None:
    reply = DocumentReply()
    await reply.fail(error)
    assert (reply.response.status, reply.response.headers.get("Retry-After")) == (status, waits)
