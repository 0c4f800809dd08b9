"""Text for Slack: no working mentions in any text, and notifications without formatting."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.slack.escaping import MAX_FALLBACK, escape, fallback, neutralize_mentions

JOINER = "\u2060"

PIECES = [
    "<", ">", "!", "@", "#", "|", "^", "`", "```\n", "\n", " ", "_", "*", "&lt;", "&gt;", "U1", "C1", "W0ABC",
    "channel", "here", "everyone", "HERE", "subteam", "date", "S1", "<!", "<@", "<#", "<!channel>", "<@U1>",
    "<@U1|ada>", "<!subteam^S1|@team>", "<!date^1^{date}|", "<!--", "<!DOCTYPE html>", JOINER, "é", "a", "x" * 130,
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join)

PINGS = re.compile(
    r"<!(?:channel|here|everyone|group)\b|<!subteam\^|<@[A-Z0-9]|(?<![^\W_])@(?:channel|here|everyone)(?![^\W_])", re.I
)


def words(text: str) -> str:
    """As people read it."""
    return text.replace(JOINER, "")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<!channel> and <!here> and <!everyone>", "@channel and @here and @everyone"),
        ("<!channel|channel>, <!here|@here>", "@channel, @here"),
        ("<!HERE>", "@HERE"),
        ("ask <@U123ABC>", "ask @U123ABC"),
        ("ask <@U123ABC|ada>, <@W1>", "ask @ada, @W1"),
        ("in <#C1|general> or <#C2>", "in #general or #C2"),
        ("<!subteam^S1|@team> and <!subteam^S2>", "@team and @S2"),
        ("on <!date^1700000000^{date}|14 November>", "on 14 November"),
        ("@channel, @here. (@everyone)", "@channel, @here. (@everyone)"),
        ("`<!channel>`", "`@channel`"),
        ("```\n<!here> @channel\n```", "```\n@here @channel\n```"),
        ("_@channel_ **@here**", "_@channel_ **@here**"),
        ("@@channel", "@@channel"),
    ],
)
def test_mentions_are_shown_as_plain_text(written: str, read: str) -> None:
    shown = neutralize_mentions(written)
    assert words(shown) == read
    assert not PINGS.search(shown)


@pytest.mark.parametrize(
    "text",
    [
        "mail me@here.example or a@channel",
        "@channels and @hereby",
        "a < b, <https://garden.example>, List<String>, x <- y",
        "<!-- a remark --> <!DOCTYPE html>",
        "@app.route and @property",
        "C# and #1",
    ],
)
def test_text_without_mentions_is_unchanged(text: str) -> None:
    assert neutralize_mentions(text) == text


@given(texts)
@example("@<!date^1|channel>")
@example("@chan<!date^1|nel>")
@example("<!date^1|@channel>")
@example("<#C1|@here>")
@example("<<@U1>>")
@example("<!<!channel>channel>")
@example("<<!date^1|!channel>>")
@example("<!date^1|x@>here")
def test_no_text_contains_a_working_mention(text: str) -> None:
    shown = neutralize_mentions(text)
    assert not PINGS.search(shown)
    assert neutralize_mentions(shown) == shown


@given(texts, st.integers(0, 200))
@example("see <!channel>", 8)
@example("see @here", 7)
@example("see @hereby", 9)
@example("<", 1)
@example("<!doctype html>", 5)
@example("<@" + "x" * 140 + ">", 130)
def test_text_shown_early_is_not_changed_as_the_answer_grows(text: str, at: int) -> None:
    early = neutralize_mentions(text[:at], ended=False)
    assert neutralize_mentions(text).startswith(early)
    assert neutralize_mentions(text, ended=False).startswith(early)


@given(texts)
def test_at_most_140_characters_of_a_growing_answer_are_held_back(text: str) -> None:
    assert len(neutralize_mentions(text, ended=False)) >= len(neutralize_mentions(text)) - 140


def test_angle_brackets_and_ampersands_are_escaped() -> None:
    assert escape("<a> & b") == "&lt;a&gt; &amp; b"


@pytest.mark.parametrize(
    ("markdown", "read"),
    [
        ("**Water** them [[1]](https://garden.example/a).", "Water them."),
        ("# Head\n\nText", "Head Text"),
        ("see [this *post*](https://garden.example/a)", "see this post"),
        ("- one\n- two", "- one - two"),
        ("a < b & c", "a &lt; b &amp; c"),
        ("snake_case and _stressed_", "snake_case and stressed"),
        ("```python\nx = 1\n```", "python x = 1"),
        ("", ""),
    ],
)
def test_a_notification_has_no_formatting(markdown: str, read: str) -> None:
    assert fallback(markdown) == read


def test_a_long_notification_is_cut_between_words() -> None:
    text = fallback("word " * 1_000)
    assert text.endswith("word …")
    assert len(text) <= MAX_FALLBACK + 2


@given(texts)
def test_no_notification_contains_a_working_mention(text: str) -> None:
    assert "<" not in fallback(text)
    assert not PINGS.search(fallback(neutralize_mentions(text)))
