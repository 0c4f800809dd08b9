"""Markdown is split into blocks without losing a word."""

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings

from core.language.sentences import split_sentences
from core.markdown import Block, BlockKind, heading_text, open_fence, parse_blocks, split_by_fences
from tests.core.generated import MARKDOWN


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("# Title", "heading"),
        ("Title\n=====", "heading"),
        ("```py\nx = 1\n```", "code"),
        ("~~~\nx\n~~~", "code"),
        ("    x = 1", "code"),
        ("- one\n- two", "list"),
        ("1. one\n2. two", "list"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "table"),
        ("Some words.\nMore words.", "prose"),
        ("> quoted", "prose"),
        ("<div>html</div>", "prose"),
        ("[ref]: https://blog.example/", "prose"),
        ("---", "prose"),
    ],
)
def test_every_kind_of_block_is_recognised(text: str, kind: BlockKind) -> None:
    assert [(block.kind, block.text) for block in parse_blocks(text)] == [(kind, text)]


@given(MARKDOWN)
@settings(deadline=None, max_examples=30)
def test_blocks_join_to_the_original_text(text: str) -> None:
    assert "\n\n".join(block.text for block in parse_blocks(text)).split() == text.split()


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_all_line_endings_are_read(line_end: str) -> None:
    text = line_end.join(["# Title", "", "One.", "", "```", "x = 1", "```", "", "Two."])
    assert [block.text for block in parse_blocks(text)] == ["# Title", "One.", "```\nx = 1\n```", "Two."]


def test_unclosed_fence_extends_to_the_end() -> None:
    assert [block.kind for block in parse_blocks("words\n\n```\n# no heading\n\nx = 1")] == ["prose", "code"]


@pytest.mark.parametrize(
    ("heading", "text"),
    [
        ("# Title", "Title"),
        ("### Title ###", "Title"),
        ("## C#", "C#"),
        ("# F# and C# #", "F# and C#"),
        ("Title\n=====", "Title"),
        ("#", ""),
        ("## ##", ""),
        ("#\tTabbed", "Tabbed"),
        ("# #hashtag", "#hashtag"),
    ],
)
def test_heading_text_has_no_markup(heading: str, text: str) -> None:
    (block,) = parse_blocks(heading)
    assert heading_text(block) == text


def test_heading_level_is_recorded() -> None:
    assert [block.level for block in parse_blocks("# one\n\nTwo\n---\n\n###### six\n\nwords")] == [1, 2, 6, 0]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two! Three? Four… Five", 4),
        ('He said "no." She left.', 2),
        ("一文目。二文目！三文目？", 3),
        ("Version 3.14 is out", 1),
        ("", 0),
    ],
)
def test_sentences_are_split_at_their_ends(text: str, count: int) -> None:
    found = split_sentences(text)
    assert len(found) == count
    assert "".join(found) == text


@pytest.mark.parametrize("piece", ["[", "![", "`", "* ", "> ", "<", "a. ", ".'", "[x]: \n", "|", "```\n", "\\", "- "])
def test_hostile_text_is_split_quickly(piece: str) -> None:
    """Each of these takes minutes with a backtracking pattern."""
    text = piece * (100_000 // len(piece))
    before = time.process_time()
    for block in parse_blocks(text):
        assert isinstance(block, Block)
        split_sentences(block.text)
    assert time.process_time() - before < 5


@given(MARKDOWN)
@settings(deadline=None, max_examples=40)
def test_pieces_split_by_fences_join_to_the_text(text: str) -> None:
    pieces = list(split_by_fences(text))
    assert "".join(piece for piece, _ in pieces) == text
    assert all(is_code != following for (_, is_code), (_, following) in pairwise(pieces))
    assert all(re.match(r"[ \t>]*(`{3,}|~{3,})", piece) for piece, is_code in pieces if is_code)


@pytest.mark.parametrize(
    ("text", "fence"),
    [
        ("text", None), ("```py\nx", ("```py", "```")), ("```py\nx\n```", None), ("~~~\nx\n```", ("~~~", "~~~")),
        ("- a\n\n  ```sh\n  x", ("  ```sh", "  ```")), ("> ```\n> x", ("> ```", "> ```")),
        ("- ```\n  x", ("  ```", "  ```")),
        ("```a`b```", None), ("````\n```", ("````", "````")), ("~~~ `odd`\nx", ("~~~ `odd`", "~~~")), ("", None),
        ("```\nx\n```\n\n````md\ny", ("````md", "````")),
    ],
)  # fmt: skip
def test_open_fence_at_the_end_is_found(text: str, fence: tuple[str, str] | None) -> None:
    assert open_fence(text) == fence
