"""Markdown as a sequence of blocks: headings, paragraphs, lists, tables, code."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from markdown_it import MarkdownIt

from core.language.sentences import split_sentences

BlockKind = Literal["heading", "code", "table", "list", "prose"]

_KINDS: dict[str, BlockKind] = {
    "heading_open": "heading",
    "fence": "code",
    "code_block": "code",
    "table_open": "table",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
}

# Only blocks are needed; skipping inline markup saves most of the parsing time.
_PARSER = MarkdownIt("commonmark").enable("table").disable("inline")

_HEADING_MARKS = re.compile(r"\A\s*#{1,6}(?:\s+|\Z)|(?<!\S)#+\s*\Z")

# A fence may be within quotes and lists.
_FENCE = re.compile(
    r"^(?P<lead>(?:[ \t>]|[-*+][ \t]|\d{1,9}[.)][ \t])*)(?P<run>`{3,}(?=[^`\n]*$)|~{3,})(?P<info>[^\n]*)$", re.M
)

_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_MARKS = re.compile(r"[`*]")


@dataclass(frozen=True, slots=True)
class Block:
    """The unchanged lines of one block. `level` is 1 to 6 for a heading, else 0."""

    kind: BlockKind
    text: str
    level: int = 0


def parse_blocks(markdown: str) -> Iterator[Block]:
    """Yield the blocks of a text, in order. Joined with blank lines they give the text again."""
    markdown = markdown.replace("\r\n", "\n").replace("\r", "\n")  # as the parser counts lines
    lines = markdown.split("\n")
    done = 0
    for token in _PARSER.parse(markdown):
        if token.level or token.nesting < 0 or token.map is None:
            continue
        start, end = token.map
        # The parser yields no token for link definitions.
        yield from _block("prose", lines[done:start])
        kind = _KINDS.get(token.type, "prose")
        yield from _block(kind, lines[start:end], int(token.tag[1]) if kind == "heading" else 0)
        done = end
    yield from _block("prose", lines[done:])


def code_ranges(markdown: str) -> Iterator[tuple[int, int]]:
    """Yield the character ranges of code blocks, including those within lists and quotes."""
    starts = [0, *(match.end() for match in re.finditer("\n", markdown)), len(markdown)]
    for token in _PARSER.parse(markdown):
        if token.type in {"fence", "code_block"} and token.map is not None:
            yield starts[token.map[0]], starts[min(token.map[1], len(starts) - 1)]


def _block(kind: BlockKind, lines: list[str], level: int = 0) -> Iterator[Block]:
    text = "\n".join(lines).strip("\n")
    if text.strip():
        yield Block(kind, text, level)


def heading_text(block: Block) -> str:
    """Return a heading's text without markup and links."""
    words = _HEADING_MARKS.sub("", block.text.splitlines()[0])
    return " ".join(_MARKS.sub("", _LINK.sub(r"\1", words)).split())


def split_block(block: Block) -> tuple[str, list[str]]:
    """Split a block that is too large into a table's head, which every piece repeats, and the smallest parts."""
    lines = [f"{line}\n" for line in block.text.split("\n")]
    if block.kind == "table":
        return "".join(lines[:2]), lines[2:]
    if block.kind in {"code", "list"} or _is_quote(block):
        return "", lines
    return "", split_sentences(block.text)


def longest_fence(block: Block) -> str:
    """Return the longest text that `balance_fences` may add to a piece of this block."""
    return max(("\n".join(fence) for fence in _fences(block) if fence), key=len, default="")


def balance_fences(block: Block, pieces: Iterable[str]) -> Iterator[str]:
    """Yield the pieces of a block; a fence left open in one is closed there and reopened in the next."""
    opening = ""
    for piece in pieces:
        text = opening + piece
        *_, fence = [None, *_fences(Block(block.kind, text))]
        opening = f"{fence[0]}\n" if fence else ""
        if _FENCE.sub("", text).strip():
            yield text.rstrip("\n") + f"\n{fence[1]}" if fence else text


def open_fence(text: str) -> tuple[str, str] | None:
    """Return the opening and closing lines of the code block that is open at the end of a text; None if none is."""
    *_, fence = [None, *_fences(Block("list", text))]
    return fence


def split_by_fences(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the text in pieces, each with whether it is a fenced code block; joined they give the text again."""
    start = 0
    inside = False
    for match, fence in _fence_lines(text):
        if inside != (fence is not None):
            at = match.end() if inside else match.start()
            yield text[start:at], inside
            start, inside = at, not inside
    yield text[start:], inside


def _fences(block: Block) -> Iterator[tuple[str, str] | None]:
    """Yield, after each fence line of a block, the opening and closing lines of the fence that is open there."""
    indented = block.kind == "code" and not block.text.lstrip().startswith(("```", "~~~"))
    if indented or not (block.kind in {"code", "list"} or _is_quote(block)):
        return
    for _, fence in _fence_lines(block.text):
        yield fence


def _fence_lines(text: str) -> Iterator[tuple[re.Match[str], tuple[str, str] | None]]:
    """Yield each line that may be a fence, with the fence that is open after it."""
    fence: tuple[str, str] | None = None
    for match in _FENCE.finditer(text):
        # List markers are on the first line only.
        lead = re.sub(r"[^\s>]", " ", match["lead"])
        if fence is None:
            fence = f"{lead}{match['run']}{match['info']}", f"{lead}{match['run']}"
        elif lead == match["lead"] and match["run"].startswith(fence[1].strip(" \t>")) and not match["info"].strip():
            fence = None
        yield match, fence


def _is_quote(block: Block) -> bool:
    return block.kind == "prose" and block.text.lstrip().startswith(">")
