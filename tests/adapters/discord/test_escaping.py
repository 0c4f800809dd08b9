"""Text for Discord: no mentions, no previews, and no longer than Discord allows."""

from datetime import UTC, datetime

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from adapters.discord.escaping import MAX_MESSAGE, cut_message, neutralize_mentions, plain, shorten
from adapters.discord.messages import explanation, failure, greeting, posts_by_source, quote, source_list
from adapters.discord.reply import HARD, SOFT
from core.chat.footnote_links import link_footnotes
from core.chat.message_splitter import split_stream
from core.domain import Answer, AnswerTrace, Footnote, Passage, Question, ScoredPassage, StoredQuestion
from core.errors import UnknownSourceError

MENTION = regex.compile(r"@(everyone|here)\b|<@[!&]?\d+>|<#\d+>|</[^>]+:\d+>", regex.IGNORECASE)
ANGLED = regex.compile(r"<https?://[^<>\s]*>")

text = st.text(
    st.one_of(
        st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")),
        st.sampled_from("@<>#&!`*_~|[]()\\\n -:/"),
    ),
    max_size=400,
)
MARKS = ["@everyone", "@here", "<@123>", "<@!123>", "<@&123>", "<#123>", "</ask:123>", "`code`", "```\ncode\n```"]
LINKED = ["https://garden.example/a_(b)?c=d&e=f.", "<https://garden.example/>", "[a](https://garden.example/)"]
MORE = ["[[1]](<https://garden.example/>)", "![a](https://garden.example/a.png)", "\n\n", "\n", " ", "#### x"]
pieces = st.lists(st.one_of(text, st.sampled_from(MARKS + LINKED + MORE)), max_size=12).map("".join)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Water them.", "Water them."),
        ("See https://a.example/b.", "See <https://a.example/b>."),
        ("See <https://a.example/b>.", "See <https://a.example/b>."),
        ("See [this](https://a.example/b).", "See [this](<https://a.example/b>)."),
        ("So [[1]](<https://a.example/b>).", "So [[1]](<https://a.example/b>)."),
        ("![A bee](https://a.example/b.png)", "[A bee](<https://a.example/b.png>)"),
        ("(https://a.example/b)", "(<https://a.example/b>)"),
        ("`https://a.example`", "`https://a.example`"),
        ("```\nhttps://a.example\n```", "```\nhttps://a.example\n```"),
        ("#### Deep", "### Deep"),
        ("## Two", "## Two"),
        ("Call @everyone", "Call @\u2060everyone"),
        ("Call <@123> and <@&4>", "Call <\u2060@123> and <\u2060@&4>"),
        ("someone@example.com", "someone@example.com"),
    ],
)
def test_mentions_previews_and_deep_headings_are_neutralized(written: str, shown: str) -> None:
    assert neutralize_mentions(written) == shown


@given(pieces)
def test_no_text_contains_a_working_mention(written: str) -> None:
    assert not MENTION.search(neutralize_mentions(written))
    assert not MENTION.search(plain(written))


LINKS = [
    "See ",
    "https://a.example/b",
    "[x](https://a.example/c)",
    "<https://a.example/d>",
    ", ",
    ". ",
    "\n\n",
    "(",
    ")",
]


@given(st.lists(st.sampled_from(LINKS)))
def test_no_address_is_shown_with_a_preview(parts: list[str]) -> None:
    assert "://" not in ANGLED.sub("", neutralize_mentions("".join(parts)))


@given(pieces, st.integers(1, 30))
def test_any_growing_answer_fits_into_messages(written: str, times: int) -> None:
    shown: list[str] = []
    whole = written * times
    for end in range(0, len(whole) + 1, max(1, len(whole) // 20)):
        parts = split_stream(neutralize_mentions(link_footnotes(whole[:end], (), "")), SOFT, HARD, ended=False)
        assert all(len(part) <= MAX_MESSAGE for part in parts)
        shown = parts
    ended = split_stream(neutralize_mentions(link_footnotes(whole, (), "")), SOFT, HARD)
    assert all(0 < len(part) <= MAX_MESSAGE for part in ended)
    assert len(shown) <= len(ended) + 1


@given(st.lists(st.tuples(text, text), max_size=30), st.booleans())
def test_any_source_list_fits_into_a_message(posts: list[tuple[str, str]], cited: bool) -> None:
    footnotes = tuple(Footnote(at, title, f"https://{url}", 0.5) for at, (title, url) in enumerate(posts, 1))
    answer = Answer("x", cited, footnotes if cited else (), () if cited else footnotes)
    listed = source_list(answer)
    assert len(listed) <= HARD
    assert bool(listed) == bool(posts)
    assert not MENTION.search(listed)
    assert all(line.startswith("-# ") for line in listed.splitlines())


def test_sources_beyond_the_limit_are_counted() -> None:
    footnotes = tuple(Footnote(at, "A title " * 10, "https://a.example/" + "b" * 300, 0.5) for at in range(1, 21))
    listed = source_list(Answer("x", True, footnotes)).splitlines()
    assert listed[-1] == f"-# … and {20 - len(listed) + 2} more"


@given(st.text("a\\ \n", min_size=1, max_size=7))
def test_a_text_too_long_for_a_message_is_cut_outside_escapes(repeated: str) -> None:
    long = repeated * MAX_MESSAGE
    cut = cut_message(long)
    assert len(cut) <= MAX_MESSAGE
    if cut != long:
        assert cut.endswith("…")
        assert long.startswith(kept := cut[:-1])
        assert not regex.search(r"(?<!\\)(\\\\)*\\\Z", kept)


def test_a_text_too_long_for_a_message_is_cut_between_words() -> None:
    assert cut_message("sentence " * 300) == "sentence " * 221 + "sentence…"


@given(text, text, st.integers(0, 40))
def test_any_explanation_fits_into_a_message(title: str, understood: str, count: int) -> None:
    match = ScoredPassage(Passage("https://a.example/", title, title, title), 0.5)
    answer = Answer("x", True, trace=AnswerTrace(understood, 0.9, (match,) * count, (match,) * count))
    told = explanation(StoredQuestion(Question("x"), datetime.now(UTC), answer))
    assert len(told) <= MAX_MESSAGE
    assert not MENTION.search(told)


@given(st.dictionaries(text, st.integers(0, 10_000), max_size=60))
def test_any_list_of_posts_by_source_fits_into_a_message(posts: dict[str, int]) -> None:
    assert len(posts_by_source(posts)) <= MAX_MESSAGE


@given(st.lists(text, max_size=10))
def test_a_greeting_has_at_most_five_buttons_with_valid_labels(examples: list[str]) -> None:
    content = greeting("1", examples)
    assert len(content["components"]) <= 5
    assert all(0 < len(row["components"][0].get("label", "x")) <= 80 for row in content["components"])


def test_an_error_is_shown_without_formatting_and_with_its_id() -> None:
    error = UnknownSourceError("@everyone <@1>", ["a"])
    told = failure(error)
    assert not MENTION.search(told)
    assert error.id in told


@given(pieces)
def test_a_quoted_question_is_one_line_without_a_working_mention(written: str) -> None:
    quoted = quote(written)
    assert "\n" not in quoted
    assert len(quoted) <= 500
    assert not MENTION.search(quoted)


@given(text, st.integers(2, 100))
def test_shortened_text_stays_within_its_limit(written: str, longest: int) -> None:
    assert len(shorten(written, longest)) <= longest
