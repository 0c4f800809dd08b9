"""A text that grows is cut so that what was shown stays, and nothing is broken where it is cut."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.delivery.growing import grown
from core.markdown import open_fence

SOFT, HARD = 300, 450

words = st.text("abcdefgh`*_[]()|<>#-1 é😀", min_size=1, max_size=12)
paragraphs = st.lists(words, min_size=1, max_size=60).map(" ".join)
codes = st.tuples(
    st.sampled_from(["python", "", "rust"]), st.lists(st.text("abc (){}|", max_size=60), max_size=30)
).map(lambda parts: f"```{parts[0]}\n" + "\n".join(parts[1]) + "\n```")
tables = st.lists(st.text("ab ", min_size=1, max_size=20), min_size=1, max_size=30).map(
    lambda cells: "| a | b |\n|---|---|\n" + "\n".join(f"| {cell} | {cell} |" for cell in cells)
)
lists = st.lists(paragraphs, min_size=1, max_size=10).map(lambda items: "\n".join(f"- {item}" for item in items))
links = st.tuples(paragraphs, st.integers(1, 60)).map(
    lambda parts: f"{parts[0]} [a few words](https://example.com/{'x' * parts[1]}) {parts[0]}"
)
documents = st.lists(st.one_of(paragraphs, codes, tables, lists, links), min_size=1, max_size=8).map("\n\n".join)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents, st.integers(1, 40))
def test_what_was_shown_stays_and_no_message_is_too_long(text: str, step: int) -> None:
    before: list[str] = []
    for end in [*range(0, len(text), step), len(text)]:
        now = grown(text[:end], SOFT, HARD, ended=False)
        assert all(len(message) <= HARD for message in now)
        assert now[: len(before) - 1] == before[:-1]
        if before:
            assert now[len(before) - 1].startswith(before[-1])
        before = now
    for shown, whole in zip(before, grown(text, SOFT, HARD), strict=False):
        assert whole.startswith(shown)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents, st.integers(1, 40), st.sets(st.integers(0, 30), max_size=4))
def test_messages_that_have_to_end_early_do_so_and_nothing_that_was_shown_changes(
    text: str, step: int, moments: set[int]
) -> None:
    before: list[str] = []
    early: dict[int, int] = {}
    for moment, end in enumerate([*range(0, len(text), step), len(text)]):
        if moment in moments and before:
            early.setdefault(len(before) - 1, len(before[-1]))
        now = grown(text[:end], SOFT, HARD, ended=False, early=early)
        assert all(len(message) <= HARD for message in now)
        assert now[: len(before) - 1] == before[:-1]
        if before:
            assert now[len(before) - 1].startswith(before[-1])
        before = now
    messages = grown(text, SOFT, HARD, early=early)
    for shown, whole in zip(before, messages, strict=False):
        assert whole.startswith(shown)
    rest = iter("".join("".join(messages).split()))
    assert all(sign in rest for sign in "".join(text.split()))


def test_a_message_that_has_to_end_early_ends_with_its_paragraph_or_soon() -> None:
    text = "word " * 10 + "\n\n" + "more " * 400
    first, *_ = grown(text, 7_000, 9_500, early={0: 20})
    assert first == ("word " * 10).strip()
    first, *_ = grown("word " * 1_000, 7_000, 9_500, early={0: 20})
    assert 20 < len(first) <= 620


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents)
def test_joined_messages_hold_the_whole_text(text: str) -> None:
    """Fences and heads of tables may be repeated; nothing is lost, and the order stays."""
    rest = iter("".join("".join(grown(text, SOFT, HARD)).split()))
    assert all(sign in rest for sign in "".join(text.split()))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(st.just("Some words that stand there. " * 8), codes), min_size=2, max_size=6))
def test_no_message_but_the_last_leaves_a_block_of_code_open(blocks: list[str]) -> None:
    messages = grown("\n\n".join(blocks), SOFT, HARD)
    assert all(open_fence(message) is None for message in messages)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 80), st.integers(1, 30))
def test_links_are_never_cut(offset: int, length: int) -> None:
    link = f"[some words](https://example.com/{'x' * length})"
    text = "x" * offset + " " + " ".join([link, "and so on"] * 40)
    for message in grown(text, SOFT, HARD):
        assert re.sub(re.escape(link), "", message).count("](") == 0


def test_a_short_text_is_one_message_and_an_empty_one_is_none() -> None:
    assert grown("Honey.", SOFT, HARD) == ["Honey."]
    assert grown(" \n", SOFT, HARD) == []


def test_a_message_beyond_the_soft_limit_ends_with_its_block() -> None:
    first, second = "a" * 320, "b" * 100
    assert grown(f"{first}\n\n{second}", SOFT, HARD) == [first, second]
    assert grown(f"{'a' * 100}\n\n{second}", SOFT, HARD) == [f"{'a' * 100}\n\n{second}"]


@pytest.mark.parametrize("fence", ["```python", "~~~"])
def test_a_block_of_code_that_is_cut_is_closed_and_opened_again(fence: str) -> None:
    close = fence[:3]
    messages = grown(f"{fence}\n" + "line of code\n" * 60 + close, SOFT, HARD)
    assert len(messages) > 1
    for message in messages:
        assert message.startswith(f"{fence}\n")
        assert message.rstrip().endswith(close)


def test_a_table_that_is_cut_repeats_its_head() -> None:
    messages = grown("| a | b |\n|---|---|\n" + "| cell | cell |\n" * 60, SOFT, HARD)
    assert len(messages) > 1
    assert all(message.startswith("| a | b |\n|---|---|\n| cell") for message in messages)
