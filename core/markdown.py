"""Markdown as a row of blocks: headings, paragraphs, lists, tables, code; a parser says where one ends."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from markdown_it import MarkdownIt

Kind = Literal["heading", "code", "table", "list", "prose"]

_KINDS: dict[str, Kind] = {
    "heading_open": "heading",
    "fence": "code",
    "code_block": "code",
    "table_open": "table",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
}

# Blocks alone are wanted; what stands inside a line is left as it is, which saves most of the parser's time.
_PARSER = MarkdownIt("commonmark").enable("table").disable("inline")

_SENTENCE = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]]*\s+|(?<=[。！？])")


@dataclass(frozen=True, slots=True)
class Block:
    """The lines of one block, as they stand. `level` is a heading's: 1 to 6."""

    kind: Kind
    text: str
    level: int = 0


def blocks(markdown: str) -> Iterator[Block]:
    """All blocks of a text, in order. Joined with blank lines they are the text again."""
    lines = markdown.split("\n")
    done = 0
    for token in _PARSER.parse(markdown):
        if token.level or token.nesting < 0 or token.map is None:
            continue
        start, end = token.map
        # The parser keeps definitions of links to itself.
        yield from _block("prose", lines[done:start])
        kind = _KINDS.get(token.type, "prose")
        yield from _block(kind, lines[start:end], int(token.tag[1]) if kind == "heading" else 0)
        done = end
    yield from _block("prose", lines[done:])


def _block(kind: Kind, lines: list[str], level: int = 0) -> Iterator[Block]:
    text = "\n".join(lines).strip("\n")
    if text.strip():
        yield Block(kind, text, level)


def heading_text(block: Block) -> str:
    """A heading's words without its marks."""
    first = block.text.splitlines()[0]
    return first.strip().lstrip("#").rstrip("#").strip()


def parts(block: Block) -> tuple[str, list[str], str]:
    """What a block too large for one passage may be cut into: a first line and a last line that every piece repeats,
    and the smallest parts between."""
    lines = block.text.splitlines()
    if block.kind == "code" and lines[0].lstrip().startswith(("```", "~~~")):
        fence = lines[0].lstrip()
        closed = len(lines) > 1 and lines[-1].strip() == fence[:3] * (len(lines[-1].strip()) // 3 or 1)
        return lines[0] + "\n", [f"{line}\n" for line in (lines[1:-1] if closed else lines[1:])], fence[:3]
    if block.kind == "table" and len(lines) > 2:
        return "\n".join(lines[:2]) + "\n", [f"{line}\n" for line in lines[2:]], ""
    if block.kind in {"code", "table", "list"}:
        return "", [f"{line}\n" for line in lines], ""
    return "", sentences(block.text), ""


def sentences(text: str) -> list[str]:
    """The sentences of a text, with the blanks behind them; joined they are the text again."""
    ends = [match.end() for match in _SENTENCE.finditer(text)]
    starts = [0, *ends]
    return [text[start:end] for start, end in zip(starts, [*ends, len(text)], strict=True) if text[start:end]]
