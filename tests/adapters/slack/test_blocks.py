"""Blocks below an answer: they stay within Slack's limits for any post titles."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.blocks import (
    Block,
    answer_block_id,
    answer_buttons,
    details,
    explanation,
    failure,
    greeting,
    markdown,
    rate_limited,
    reason_form,
    reason_offer,
    sources,
)
from adapters.slack.message_sequence import HARD
from core.domain import Answer, AnswerTrace, Footnote, Passage, Question, ScoredPassage, StoredQuestion
from core.errors import ModelBusyError, UnknownSourceError
from tests.servers.slack import check_blocks, checked_view, texts_of

ID = "0123456789abcdef"
WHOLE = 13_000
"""Characters of all texts of a message; a little more is refused as a whole."""

awkward = st.text(
    st.sampled_from("aB 1*_`~<>&|[]()@!#\n🐝é|") | st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")),
    max_size=400,
)
titles = awkward | st.sampled_from(["<!channel> news", "@here | there", "a" * 2_000, "&" * 500, "*bold* _it_"])
addresses = st.sampled_from(
    [
        "https://garden.example/a|b>c",
        "garden/notes.md",
        "https://x.example/" + "p" * 2_500,
        "https://g.example/?q=" + "&a" * 400,
    ]
)
footnotes = st.lists(st.tuples(titles, addresses), max_size=20).map(
    lambda found: tuple(Footnote(number, title, url, 0.5) for number, (title, url) in enumerate(found, 1))
)


def matches(found: tuple[Footnote, ...]) -> tuple[ScoredPassage, ...]:
    return tuple(ScoredPassage(Passage(note.url, note.title, note.title, "Text."), 0.5, 0.4, 0.6) for note in found)


def taken(blocks: list[Block]) -> str:
    """Check blocks against Slack's limits and return their text."""
    check_blocks(blocks)
    text = "\n".join(texts_of(blocks))
    assert len(text) <= WHOLE
    for calling in ("<!channel>", "<!here>", "<@U", " @here", " @channel"):
        assert calling not in text
    return text


@given(footnotes, st.booleans())
def test_sources_and_buttons_fit_beside_the_longest_text(found: tuple[Footnote, ...], grounded: bool) -> None:
    answer = Answer("", grounded, found if grounded else (), () if grounded else found)
    taken([markdown("w" * HARD), *sources(answer), *answer_buttons(ID, shareable=True)])


def test_sources_that_do_not_fit_are_counted_and_the_others_keep_their_links() -> None:
    found = tuple(
        Footnote(n, f"Post {n} 🐝 " + "long " * 60, f"https://garden.example/{'p' * 120}/{n}", 0.5)
        for n in range(1, 21)
    )
    text = taken(sources(Answer("", True, found)))
    head, *rows, more = text.split("\n")
    assert head == "*Sources*"
    assert 3 < len(rows) < 20
    for number, row in enumerate(rows, 1):
        assert row.startswith(f"[{number}] <https://garden.example/{'p' * 120}/{number}|Post {number} 🐝 long")
        assert row.endswith("…>")
    assert more == f"… and {20 - len(rows)} more"


def test_sources_are_numbered_and_linked_if_they_have_an_address() -> None:
    found = (Footnote(2, "A & B", "https://garden.example/a", 0.9), Footnote(5, "Notes", "garden/notes.md", 0.5))
    text = taken(sources(Answer("", True, found)))
    assert text == "*Sources*\n[2] <https://garden.example/a|A &amp; B>\n[5] Notes (`garden/notes.md`)"


def test_an_answer_without_footnotes_lists_the_nearest_posts_without_numbers() -> None:
    found = (Footnote(1, "Bees", "https://garden.example/bees", 0.5),)
    assert taken(sources(Answer("", False, nearest=found))) == "*Nearest posts*  <https://garden.example/bees|Bees>"
    assert sources(Answer("", False)) == []


def test_source_titles_do_not_mention_people() -> None:
    found = (Footnote(1, "@here news for general", "https://garden.example/bees", 0.5),)
    [block] = sources(Answer("", True, found))
    assert block["elements"][0]["verbatim"] is True


@given(footnotes, titles, st.integers(0, 20))
def test_any_explanation_fits_into_a_message(found: tuple[Footnote, ...], understood: str, given_: int) -> None:
    every = matches(found)
    trace = AnswerTrace(understood, 0.87, every[:given_], every[given_:])
    answer = Answer("Text.", True, tokens=12_345, timings_ms={"found": 12.0, "total": 1_234.5}, trace=trace)
    stored = StoredQuestion(Question("Why?", id=ID), datetime.now(UTC), answer)
    assert "Show details" in taken(explanation(stored))
    text = taken(details(stored))
    assert "87%" in text
    assert f"12,345 tokens · `{ID}`" in text


def test_an_explanation_shows_the_understood_question_scores_unused_posts_times_and_tokens() -> None:
    found = tuple(Footnote(n, f"Post {n}", f"https://garden.example/{n}", 0.5) for n in range(1, 13))
    every = matches(found)
    trace = AnswerTrace("When are bees fed? (after: What do bees eat?)", 0.5, every[:2], every[2:])
    timings = {"found": 40.0, "first_token": 950.0, "total": 2_000.0}
    cited = (replace(found[0], support=0.914), found[1])
    answer = Answer("Text.", True, cited, tokens=900, timings_ms=timings, trace=trace)
    stored = StoredQuestion(Question("Why?", id=ID), datetime.now(UTC), answer)
    short = taken(explanation(stored))
    assert short.startswith(
        "I understood: “When are bees fed? (after: What do bees eat?)”\nI read 2 passages of 2 posts."
    )
    assert "<https://garden.example/1|Post 1> › Post 1" in short
    text = taken(details(stored))
    assert "*Understood as*\nWhen are bees fed? (after: What do bees eat?)" in text
    assert "*Answered from*\n• <https://garden.example/1|Post 1> › Post 1  _0.50: meaning 0.40, words 0.60_" in text
    assert "*Found but not used*\n• <https://garden.example/3|Post 3>" in text
    assert "… and 2 more" in text
    assert "Support from the posts cited: [1] 91%." in text
    assert "Found after 0.04 s, first words after 0.95 s, whole answer after 2.00 s · 900 tokens" in text


def test_the_explanation_of_an_unanswered_question_is_one_sentence() -> None:
    blocks = explanation(StoredQuestion(Question("Why?"), datetime.now(UTC)))
    assert taken(blocks) == "This question was not answered, so there is nothing to explain."


@pytest.mark.parametrize("error", [ModelBusyError("sk-secret"), UnknownSourceError("<!channel>", ["a & b"] * 500)])
def test_a_failure_hides_secrets_and_has_a_retry_button(error: Exception) -> None:
    for blocks in (failure(error, ID, "1.2"), rate_limited(error, ID, "1.2")):  # type: ignore[arg-type]
        text = taken([markdown("w" * HARD), *blocks])
        assert "sk-secret" not in text
        [again] = [element for block in blocks for element in block.get("elements", ())]
        assert (again["action_id"], again["value"]) == ("again", f"{ID}:1.2")
    assert failure(error, ID)[-1]["block_id"] == answer_block_id(ID)  # type: ignore[arg-type]


@given(st.lists(titles.filter(str.strip), max_size=12))
def test_a_greeting_with_any_examples_fits_into_a_message(examples: list[str]) -> None:
    blocks = greeting("U1", examples)
    check_blocks(blocks)
    buttons = [element for block in blocks for element in block.get("elements", ())]
    assert [button["value"] for button in buttons if button["type"] == "button"] == [e[:2_000] for e in examples[:8]]


def test_the_form_for_a_reason_stays_within_slacks_limits() -> None:
    check_blocks(reason_offer(ID))
    assert checked_view(reason_form(ID, "C1", "1.2"))["private_metadata"] == f"{ID} C1 1.2"


def test_the_last_block_of_an_answer_has_the_questions_id() -> None:
    assert answer_buttons(ID)[0]["block_id"] == answer_block_id(ID) == f"answer:{ID}"
    [unrated] = answer_buttons(ID, rated=False)
    assert unrated["block_id"] == answer_block_id(ID)
    shared = answer_buttons(ID, shareable=True)
    assert [element["action_id"] for element in shared[1]["elements"]] == ["share", "why"]
