"""Log redaction: questions, answers, posts and secrets are removed from every log event."""

import json
from collections.abc import Iterator
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr, ValidationError

from bot.observability.log_redaction import SECRET, TEXT, LogRedactor, RedactedOutput, secrets_of
from core.telemetry import QuestionContext, question_context

ASKED = "Why does my neighbour's hedge grow faster than mine?"
POST = "Hedges of privet want to be cut three times a year.\nNever cut them while birds are breeding."


@pytest.fixture
def asking() -> Iterator[QuestionContext]:
    current = QuestionContext("q1", ASKED, [POST], ["Because yours is ", "of quite another kind [1]."])
    token = question_context.set(current)
    yield current
    question_context.reset(token)


def redacted(text: str, words_wanted: bool = False) -> str:
    return str(LogRedactor(["hunter2"], words_wanted)(None, "error", {"cause": text})["cause"])


@pytest.mark.parametrize(
    "text",
    [
        ASKED,
        f"Bad request: {ASKED!r}",
        json.dumps({"messages": [{"content": ASKED}]}),
        json.dumps(POST),
        "it was told: while birds are breeding, and so on",
        "and: BECAUSE YOURS IS OF QUITE another kind",
    ],
)
def test_text_of_the_current_question_is_redacted_in_any_encoding(asking: QuestionContext, text: str) -> None:
    said = redacted(text)
    assert TEXT in said
    for words in ("hedge", "privet", "birds are", "yours"):
        assert words not in said.casefold()
    assert redacted(text, words_wanted=True) == text


def test_output_shows_no_secrets_of_the_bot_but_examples_of_keys() -> None:
    written = StringIO()
    output = RedactedOutput(written, ["hunter2", "correct horse"])
    output.write("hunter2, correct horse, correct%20horse, xoxb-1-example\n")
    assert written.getvalue() == f"hunter2, {SECRET}, {SECRET}, xoxb-1-example\n"
    assert not output.isatty()


def test_text_around_the_question_is_kept(asking: QuestionContext) -> None:
    said = redacted(f"Error 400: {ASKED} (request req_123)")
    assert said == f"Error 400: {TEXT}? (request req_123)"
    assert redacted("the connection was closed by the other side") == "the connection was closed by the other side"


@pytest.mark.parametrize(
    ("asked", "text", "left"), [("Redis?", "say Redis now", f"say {TEXT} now"), ("¿?", "a ¿? b", "a ¿? b")]
)
def test_short_question_is_redacted_only_as_a_whole(asked: str, text: str, left: str) -> None:
    token = question_context.set(QuestionContext("q1", asked))
    assert redacted(text) == left
    question_context.reset(token)


@pytest.mark.parametrize(
    "secret",
    [
        "hunter2",
        "xoxb-123-456-abc",
        "xapp-1-A0-abc",
        "sk-proj-abcdefgh12345678",
        "MTE" + "x" * 21 + ".abcdef." + "y" * 38,
        "Bearer abc.def.ghi",
        "redis://user:pass@host:6379",
        "https://user:pass@blog.example/feed",
    ],
)
@pytest.mark.parametrize("words_wanted", [False, True])
def test_secrets_are_redacted_by_value_and_by_pattern(secret: str, words_wanted: bool) -> None:
    said = redacted(f"before {secret} after", words_wanted)
    assert SECRET in said
    assert "before" in said
    assert "after" in said
    for part in ("hunter", "123-456", "A0-abc", "abcdefgh", "yyy", "abc.def", "user", "pass"):
        assert part not in said


def test_harmless_urls_and_words_are_kept() -> None:
    for text in (
        "https://medium.com/@ann/hedges",
        "redis://host:6379/0",
        "the desk-top",
        "Bot commands",
        "risk-assessment",
    ):
        assert redacted(text) == text


def test_values_quoted_by_pydantic_are_redacted() -> None:
    class Row(BaseModel):
        count: int

    with pytest.raises(ValidationError) as caught:
        Row(count="what somebody wrote")  # type: ignore[arg-type]
    assert "somebody" not in redacted(str(caught.value))


def test_nested_values_and_exceptions_are_redacted(asking: QuestionContext) -> None:
    event = {
        "event": "x",
        "a": {"b": [ASKED, ("hunter2",)]},
        "error": ValueError(ASKED),
        "n": 3,
        "t": True,
        "none": None,
    }
    said = LogRedactor(["hunter2"])(None, "error", event)
    assert "hunter2" not in str(said)
    assert "neighbour" not in str(said)
    assert (said["n"], said["t"], said["none"]) == (3, True, None)


def test_secrets_of_settings_are_tokens_and_passwords() -> None:
    settings = {
        "redis_url": SecretStr("redis://me:p%40ss@host"),
        "key": SecretStr("sk-1234"),
        "headers": SecretStr("api-key=collector,x=other"),
        "port": 8080,
        "socket": SecretStr("unix:///run/redis.sock"),
    }
    assert set(secrets_of(settings)) == {"p%40ss", "p@ss", "sk-1234", "collector", "other", "api-key=collector,x=other"}


@given(st.text(), st.text())
def test_any_text_is_redacted_without_an_error(asked: str, around: str) -> None:
    token = question_context.set(QuestionContext("q1", asked))
    try:
        said = redacted(f"{around} {asked} {around}")
        assert redacted(said) is not None
        if len(asked.split()) > 3 and asked.isascii() and asked.replace(" ", "").isalpha():
            assert asked not in said
    finally:
        question_context.reset(token)
