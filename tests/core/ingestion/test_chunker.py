"""A post is cut into passages that fit, along its headings and paragraphs, without losing a word."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain import Passage, Post
from core.ingestion.chunker import MAX_TOKENS, MIN_TOKENS, chunk
from core.tokens import estimate_tokens
from tests.core.generated import MARKDOWN, open_fence, telling_words


def passages_of(text: str, title: str = "Title") -> tuple[Passage, ...]:
    return chunk(Post("https://blog.example/a", title, text, "blog"), estimate_tokens)


def sentences(tokens: int, word: str = "word") -> str:
    """A paragraph of so many tokens, ten a sentence."""
    return " ".join([f"{' '.join([word] * 9).capitalize()}."] * (tokens // 10))


@given(st.lists(MARKDOWN, min_size=1, max_size=6).map("\n\n".join))
@settings(deadline=None, max_examples=30)
def test_all_words_are_there_in_order_and_no_passage_is_too_large(text: str) -> None:
    passages = passages_of(text)
    joined = "\n\n".join(passage.text for passage in passages)
    # A word longer than a passage may be cut: what remains when blanks are taken out is the same.
    assert "".join(telling_words(joined)) == "".join(telling_words(text))
    assert all(estimate_tokens(passage.text) <= MAX_TOKENS for passage in passages)
    assert [passage.position for passage in passages] == list(range(len(passages)))


@given(st.lists(MARKDOWN, min_size=1, max_size=6).map("\n\n".join))
@settings(deadline=None, max_examples=30)
def test_no_passage_leaves_a_fence_open(text: str) -> None:
    assert [open_fence(passage.text) for passage in passages_of(text)] == [""] * len(passages_of(text))


def test_a_passage_carries_what_is_known_of_its_post() -> None:
    published = datetime(2026, 1, 1, tzinfo=UTC)
    (passage,) = chunk(Post("https://blog.example/a", "Title", "Words.", "blog", published), estimate_tokens)
    assert passage == Passage("https://blog.example/a", "Title", "", "Words.", "blog", 0, published)


@pytest.mark.parametrize("text", ["", "\n\n \n", "\r\n"])
def test_a_post_without_text_has_no_passages(text: str) -> None:
    assert passages_of(text) == ()


def test_short_sections_stay_together() -> None:
    assert len(passages_of("## One\n\nWords.\n\n## Two\n\nMore words.")) == 1


def test_a_heading_begins_a_new_passage_when_the_last_one_is_long_enough() -> None:
    first, second = passages_of(f"## One\n\n{sentences(MIN_TOKENS + 10)}\n\n## Two\n\nMore words.")
    assert first.text.startswith("## One")
    assert second.text == "## Two\n\nMore words."


def test_a_passage_is_named_by_the_headings_above_it() -> None:
    long = sentences(MIN_TOKENS + 10)
    text = f"## Setup\n\n{long}\n\n### Keys\n\n{long}\n\n## Use\n\n{long}"
    assert [passage.heading for passage in passages_of(text)] == ["Setup", "Setup › Keys", "Use"]


def test_the_title_is_no_heading_above_its_own_post() -> None:
    assert [passage.heading for passage in passages_of("# Title\n\nWords.")] == [""]


def test_what_announces_something_stays_with_it() -> None:
    """A heading, or a sentence that ends with a colon, is never the last thing in a passage."""
    steps = "\n".join(f"- Step {n} of the way." for n in range(8))
    passages = passages_of(f"{sentences(MAX_TOKENS - 60)}\n\n## Steps\n\nDo it in these steps:\n\n{steps}")
    assert [passage.text.startswith("## Steps\n\nDo it in these steps:\n\n- Step 0") for passage in passages] == [
        False,
        True,
    ]


def test_a_heading_without_words_leaves_no_gap_in_the_path() -> None:
    long = sentences(MIN_TOKENS + 10)
    assert passages_of(f"## Setup\n\n{long}\n\n### \n\n{long}")[1].heading == "Setup"


def test_a_code_block_is_whole_where_it_fits() -> None:
    code = "```python\n" + "\n".join(f"step_{n} = run({n})" for n in range(20)) + "\n```"
    passages = passages_of(f"{sentences(MAX_TOKENS - 20)}\n\n{code}\n\nAfter it.")
    assert sum(code in passage.text for passage in passages) == 1


@pytest.mark.parametrize("fence", ["```", "````", "~~~", "~~~~~"])
def test_a_code_block_that_is_too_large_is_a_code_block_in_every_piece(fence: str) -> None:
    lines = [f"step_{n} = run({n})" for n in range(200)]
    passages = passages_of("\n".join([f"{fence}python", *lines, fence]))
    assert len(passages) > 2
    assert all(passage.text.startswith(f"{fence}python\n") for passage in passages)
    assert all(passage.text.endswith(f"\n{fence}") for passage in passages)
    assert [line for passage in passages for line in passage.text.split("\n")[1:-1]] == lines


def test_a_minified_line_keeps_its_fence_on_a_line_of_its_own() -> None:
    passages = passages_of("```js\n" + "a=b+c;" * 600 + "\n```")
    assert len(passages) > 2
    assert all(passage.text.split("\n")[0] == "```js" for passage in passages)
    assert all(passage.text.split("\n")[-1] == "```" for passage in passages)


def test_code_within_a_list_is_code_in_every_piece() -> None:
    code = "\n".join(f"  step_{n} = run({n})" for n in range(200))
    passages = passages_of(f"- Do this:\n\n  ```sh\n{code}\n  ```\n- Then rest.")
    assert len(passages) > 2
    assert all("```sh" in passage.text and not open_fence(passage.text) for passage in passages[:-1])


def test_a_table_repeats_its_head() -> None:
    head = "| name | value |\n|---|---|\n"
    rows = [f"| name {n} | {n} |" for n in range(200)]
    passages = passages_of(head + "\n".join(rows))
    assert len(passages) > 2
    assert all(passage.text.startswith(head) for passage in passages)
    assert [row for passage in passages for row in passage.text.split("\n")[2:]] == rows


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    passages = passages_of(sentences(3 * MAX_TOKENS))
    assert len(passages) == 4
    assert all(passage.text.rstrip().endswith(".") for passage in passages)


def test_an_endless_sentence_is_cut_between_words() -> None:
    passages = passages_of("endless " * 1_000)
    assert {word for passage in passages for word in passage.text.split()} == {"endless"}


def test_an_endless_word_is_cut_all_the_same() -> None:
    passages = passages_of("x" * 20_000)
    assert "".join(passage.text for passage in passages) == "x" * 20_000


@pytest.mark.parametrize("piece", ["[", "`", "x", " x", ". ", "- x\n", "1.\n", "> ", "\n", "```\n", "字", "|", "\\"])
def test_a_hostile_post_takes_seconds_at_most(piece: str) -> None:
    text = piece * (20_000 // len(piece))
    before = time.process_time()
    passages = passages_of(text)
    assert time.process_time() - before < 8
    assert all(estimate_tokens(passage.text) <= MAX_TOKENS for passage in passages)
