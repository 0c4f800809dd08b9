"""Chunking of posts into passages along headings and paragraphs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import regex

from core.domain import Passage, Post
from core.language.words import LETTERS, SYLLABLES
from core.markdown import Block, balance_fences, heading_text, longest_fence, parse_blocks, split_block
from core.tokens import estimate_tokens

MAX_TOKENS = 300
"""Per passage."""

MIN_TOKENS = 200
"""Size from which a heading starts a new passage; shorter sections stay together."""

_SURELY_TOO_LONG = 100 * MAX_TOKENS
"""Characters of a block that need not be counted."""

_PIECE = regex.compile(
    rf"[{SYLLABLES}]|[{LETTERS}]{{1,3}}|(?:(?![{SYLLABLES}{LETTERS}])[\p{{L}}\p{{M}}]){{1,6}}"
    r"|\p{N}{1,3}|[^\s\p{L}\p{M}\p{N}]|\n+|[ \t]{2,}"
)


def chunk(post: Post) -> tuple[Passage, ...]:
    """Split a post into passages, in order. No word is lost, and a code block that fits is not cut."""
    if post.pages:
        pages = (replace(post, text=text, pages=()) for text in post.pages)
        numbered = [replace(part, page=page) for page, parts in enumerate(map(chunk, pages), 1) for part in parts]
        return tuple(replace(passage, position=position) for position, passage in enumerate(numbered))
    return tuple(
        Passage(post.url, post.title, heading, text, post.source, position, post.published, post.language, post.author)
        for position, (heading, text) in enumerate(_passages(post))
    )


def text_size(text: str) -> int:
    """Return the size of a text in tokens of English: for the same content, about the same in every script.

    Models need up to five times as many tokens for other scripts, but small passages are found worse.
    """
    return estimate_tokens(text) if text.isascii() else len(_PIECE.findall(text))


@dataclass(frozen=True, slots=True)
class _Unit:
    """A block or a piece of one, with the headings or lead-in above it. `starts_section` if it has a heading."""

    heading: str
    text: str
    size: int
    starts_section: bool

    def followed_by(self, unit: "_Unit") -> "_Unit":
        return _Unit(
            unit.heading,
            f"{self.text}\n\n{unit.text}",
            self.size + unit.size,
            self.starts_section or unit.starts_section,
        )


def _passages(post: Post) -> Iterator[tuple[str, str]]:
    units: list[_Unit] = []
    size = 0
    for unit in _units(post):
        if units and (size + unit.size > MAX_TOKENS or (unit.starts_section and size >= MIN_TOKENS)):
            yield _joined(units)
            units, size = [], 0
        units.append(unit)
        size += unit.size
    if units:
        yield _joined(units)


def _joined(units: list[_Unit]) -> tuple[str, str]:
    return units[0].heading, "\n\n".join(unit.text for unit in units)


def _units(post: Post) -> Iterator[_Unit]:
    path: list[tuple[int, str]] = []
    lead: _Unit | None = None
    for block in parse_blocks(post.text):
        if block.kind == "heading":
            path = [*(above for above in path if above[0] < block.level), (block.level, heading_text(block))]
        leads = _is_lead_in(block)
        for text, size in _pieces(block):
            # Two tokens for the blank line in between.
            unit = _Unit(_heading_path(path, post.title), text, size + 2, block.kind == "heading")
            if lead and lead.size + unit.size <= MAX_TOKENS:
                unit = lead.followed_by(unit)
            elif lead:
                yield lead
            lead = unit if leads else None
            if lead is None:
                yield unit
    if lead:
        yield lead


def _is_lead_in(block: Block) -> bool:
    """Return whether a block means little without the next one: a heading, or "Follow these steps:"."""
    return block.kind == "heading" or (block.kind == "prose" and block.text.rstrip().endswith(":"))


def _heading_path(path: list[tuple[int, str]], title: str) -> str:
    """Join the headings above a block, without the title, which most posts repeat as their first heading."""
    return " › ".join(text for _, text in path if text not in {"", title})


def _pieces(block: Block) -> Iterator[tuple[str, int]]:
    """Yield the block, or if it is too large, pieces of it that fit, each with its tokens."""
    size = text_size(block.text) if len(block.text) < _SURELY_TOO_LONG else _SURELY_TOO_LONG
    if size <= MAX_TOKENS:
        yield block.text, size
        return
    head, inner = split_block(block)
    repeated = text_size(head or longest_fence(block)) + 2
    if repeated > MAX_TOKENS // 2:
        head, inner, repeated = "", [head, *inner], 0
    pieces = (head + text for text in _packed(inner, MAX_TOKENS - repeated) if text.strip())
    for piece in balance_fences(block, pieces) if repeated else pieces:
        text = piece.strip("\n")
        yield text, text_size(text)


def _packed(inner: list[str], limit: int) -> Iterator[str]:
    packed, size = "", 0
    for part, part_size in (small for large in inner for small in _cut(large, limit)):
        if packed and size + part_size > limit:
            yield packed
            packed, size = "", 0
        packed += part
        size += part_size
    if packed:
        yield packed


def _cut(text: str, limit: int) -> Iterator[tuple[str, int]]:
    """Cut a part that is too large by itself, such as a minified line, into even pieces, at blanks if possible."""
    size = text_size(text)
    if size <= limit or len(text) < 2:
        yield text, size
        return
    step = max(1, len(text) * limit // (size + limit))
    start = 0
    while start < len(text):
        end = start + step
        end = text.rfind(" ", start + 1, end) + 1 or end
        yield from _cut(text[start:end], limit)
        start = end
