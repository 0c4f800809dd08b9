"""Posts are split into passages along headings and paragraphs, without losing a word."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain import Passage, Post
from core.ingestion.chunker import MAX_TOKENS, MIN_TOKENS, chunk, text_size
from tests.core.generated import MARKDOWN, open_fence, text_words


def passages_of(text: str, title: str = "Title") -> tuple[Passage, ...]:
    return chunk(Post("https://blog.example/a", title, text, "blog"))


def sentences(tokens: int, word: str = "word") -> str:
    """Return a paragraph of this many tokens, ten per sentence."""
    return " ".join([f"{' '.join([word] * 9).capitalize()}."] * (tokens // 10))


@given(st.lists(MARKDOWN, min_size=1, max_size=6).map("\n\n".join))
@settings(deadline=None, max_examples=20)
def test_chunking_keeps_all_words_in_order_within_limits_and_closes_fences(text: str) -> None:
    passages = passages_of(text)
    joined = "\n\n".join(passage.text for passage in passages)
    # A word longer than a passage may be cut: what remains when blanks are taken out is the same.
    assert "".join(text_words(joined)) == "".join(text_words(text))
    assert all(text_size(passage.text) <= MAX_TOKENS for passage in passages)
    assert [passage.position for passage in passages] == list(range(len(passages)))
    assert not any(open_fence(passage.text) for passage in passages)


def test_passage_carries_post_metadata() -> None:
    published = datetime(2026, 1, 1, tzinfo=UTC)
    (passage,) = chunk(Post("https://blog.example/a", "Title", "Words.", "blog", published))
    assert passage == Passage("https://blog.example/a", "Title", "", "Words.", "blog", 0, published)


@pytest.mark.parametrize(
    "translation",
    [
        "Bienen verbringen den Winter im Stock und leben von dem Honig, den wir ihnen im August gelassen haben.",
        "Пчёлы проводят зиму в улье и питаются мёдом, который мы оставили им в августе.",
        "मधुमक्खियाँ सर्दियाँ छत्ते में बिताती हैं और उस शहद पर जीती हैं जो हमने अगस्त में उनके लिए छोड़ा था।",
        "蜜蜂在蜂箱里过冬，靠我们八月份留给它们的蜂蜜为生。",
        "ผึ้งใช้เวลาช่วงฤดูหนาวอยู่ในรังและกินน้ำผึ้งที่เราทิ้งไว้ให้ในเดือนสิงหาคม",
    ],
)
def test_translations_of_a_text_have_about_the_same_size(translation: str) -> None:
    english = text_size("Bees spend the winter in their hive and live on the honey that we left them in August.")
    assert english / 2 < text_size(translation) < english * 2


@pytest.mark.parametrize("text", ["", "\n\n \n", "\r\n"])
def test_empty_post_has_no_passages(text: str) -> None:
    assert passages_of(text) == ()


def test_short_sections_stay_together() -> None:
    assert len(passages_of("## One\n\nWords.\n\n## Two\n\nMore words.")) == 1


def test_heading_starts_new_passage_after_long_section() -> None:
    first, second = passages_of(f"## One\n\n{sentences(MIN_TOKENS + 10)}\n\n## Two\n\nMore words.")
    assert first.text.startswith("## One")
    assert second.text == "## Two\n\nMore words."


def test_passage_heading_is_the_path_of_headings_above() -> None:
    long = sentences(MIN_TOKENS + 10)
    text = f"## Setup\n\n{long}\n\n### Keys\n\n{long}\n\n## Use\n\n{long}"
    assert [passage.heading for passage in passages_of(text)] == ["Setup", "Setup › Keys", "Use"]


def test_title_is_not_repeated_in_heading_path() -> None:
    assert [passage.heading for passage in passages_of("# Title\n\nWords.")] == [""]


def test_lead_in_stays_with_what_it_introduces() -> None:
    """A heading, or a sentence that ends with a colon, is never the last thing in a passage."""
    steps = "\n".join(f"- Step {n} of the way." for n in range(8))
    passages = passages_of(f"{sentences(MAX_TOKENS - 60)}\n\n## Steps\n\nDo it in these steps:\n\n{steps}")
    assert [passage.text.startswith("## Steps\n\nDo it in these steps:\n\n- Step 0") for passage in passages] == [
        False,
        True,
    ]


def test_empty_heading_leaves_no_gap_in_heading_path() -> None:
    long = sentences(MIN_TOKENS + 10)
    assert passages_of(f"## Setup\n\n{long}\n\n### \n\n{long}")[1].heading == "Setup"


def test_code_block_that_fits_is_not_cut() -> None:
    code = "```python\n" + "\n".join(f"step_{n} = run({n})" for n in range(20)) + "\n```"
    passages = passages_of(f"{sentences(MAX_TOKENS - 20)}\n\n{code}\n\nAfter it.")
    assert sum(code in passage.text for passage in passages) == 1


@pytest.mark.parametrize("fence", ["```", "````", "~~~", "~~~~~"])
def test_large_code_block_is_fenced_in_every_piece(fence: str) -> None:
    lines = [f"step_{n} = run({n})" for n in range(200)]
    passages = passages_of("\n".join([f"{fence}python", *lines, fence]))
    assert len(passages) > 2
    assert all(passage.text.startswith(f"{fence}python\n") for passage in passages)
    assert all(passage.text.endswith(f"\n{fence}") for passage in passages)
    assert [line for passage in passages for line in passage.text.split("\n")[1:-1]] == lines


def test_minified_line_keeps_its_fence_on_separate_lines() -> None:
    passages = passages_of("```js\n" + "a=b+c;" * 600 + "\n```")
    assert len(passages) > 2
    assert all(passage.text.split("\n")[0] == "```js" for passage in passages)
    assert all(passage.text.split("\n")[-1] == "```" for passage in passages)


def test_code_within_list_is_fenced_in_every_piece() -> None:
    code = "\n".join(f"  step_{n} = run({n})" for n in range(200))
    passages = passages_of(f"- Do this:\n\n  ```sh\n{code}\n  ```\n- Then rest.")
    assert len(passages) > 2
    assert all("```sh" in passage.text and not open_fence(passage.text) for passage in passages[:-1])


def test_split_table_repeats_its_header() -> None:
    head = "| name | value |\n|---|---|\n"
    rows = [f"| name {n} | {n} |" for n in range(200)]
    passages = passages_of(head + "\n".join(rows))
    assert len(passages) > 2
    assert all(passage.text.startswith(head) for passage in passages)
    assert [row for passage in passages for row in passage.text.split("\n")[2:]] == rows


def test_long_paragraph_is_split_between_sentences() -> None:
    passages = passages_of(sentences(3 * MAX_TOKENS))
    assert len(passages) == 4
    assert all(passage.text.rstrip().endswith(".") for passage in passages)


def test_endless_sentence_is_split_between_words() -> None:
    passages = passages_of("endless " * 1_000)
    assert {word for passage in passages for word in passage.text.split()} == {"endless"}


def test_endless_word_is_split_anywhere() -> None:
    passages = passages_of("x" * 20_000)
    assert "".join(passage.text for passage in passages) == "x" * 20_000


@pytest.mark.parametrize("piece", ["[", "x", ". ", "- x\n", "> ", "\n", "```\n", "字", "|"])
def test_hostile_post_is_chunked_in_seconds(piece: str) -> None:
    text = piece * (20_000 // len(piece))
    before = time.process_time()
    passages = passages_of(text)
    assert time.process_time() - before < 8
    assert all(text_size(passage.text) <= MAX_TOKENS for passage in passages)


def test_passages_know_their_page_and_do_not_cross_its_end() -> None:
    post = Post("https://docs.example/a.pdf", "Scythes", "One.\n\nTwo.", "docs", pages=("One.", "", "Two."))
    passages = chunk(post)
    assert [(passage.text, passage.page, passage.position) for passage in passages] == [("One.", 1, 0), ("Two.", 3, 1)]
    assert [passage.link.partition("#")[2] for passage in passages] == ["page=1", "page=3"]
    assert replace(passages[0], url="docs/a.pdf").link == "docs/a.pdf"
