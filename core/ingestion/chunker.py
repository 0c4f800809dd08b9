"""Cutting a post into passages that follow its headings and paragraphs."""

from collections.abc import Iterator
from dataclasses import dataclass

from core.domain import Passage, Post
from core.markdown import Block, balance_fences, heading_text, longest_fence, parse_blocks, split_block
from core.tokens import TokenCounter

MOST = 300
"""Tokens of a passage at most."""

ENOUGH = 200
"""Tokens after which a new heading begins a new passage; a shorter section stays with the one before it."""


def chunk(post: Post, tokens: TokenCounter) -> tuple[Passage, ...]:
    """The passages of a post, in order. All its words are in them; a code block is whole where it fits."""
    return tuple(
        Passage(post.url, post.title, heading, text, post.source, position, post.published)
        for position, (heading, text) in enumerate(_passages(post, tokens))
    )


@dataclass(frozen=True, slots=True)
class _Unit:
    """Text that belongs together: a block or a piece of one, with the headings and the announcement right above it.
    `opens` when a heading is among them."""

    heading: str
    text: str
    size: int
    opens: bool

    def followed_by(self, unit: "_Unit") -> "_Unit":
        return _Unit(unit.heading, f"{self.text}\n\n{unit.text}", self.size + unit.size, self.opens or unit.opens)


def _passages(post: Post, tokens: TokenCounter) -> Iterator[tuple[str, str]]:
    units: list[_Unit] = []
    size = 0
    for unit in _units(post, tokens):
        if units and (size + unit.size > MOST or (unit.opens and size >= ENOUGH)):
            yield _packed_units(units)
            units, size = [], 0
        units.append(unit)
        size += unit.size
    if units:
        yield _packed_units(units)


def _packed_units(units: list[_Unit]) -> tuple[str, str]:
    return units[0].heading, "\n\n".join(unit.text for unit in units)


def _units(post: Post, tokens: TokenCounter) -> Iterator[_Unit]:
    path: list[tuple[int, str]] = []
    above: _Unit | None = None
    for block in parse_blocks(post.text):
        if block.kind == "heading":
            path = [*(place for place in path if place[0] < block.level), (block.level, heading_text(block))]
        for text, size in _pieces(block, tokens):
            # Two tokens for the blank line between.
            unit = _Unit(_trail(path, post.title), text, size + 2, block.kind == "heading")
            if above and above.size + unit.size <= MOST:
                unit = above.followed_by(unit)
            elif above:
                yield above
            above = unit if _announces(block) else None
            if above is None:
                yield unit
    if above:
        yield above


def _announces(block: Block) -> bool:
    """Whether a block says little without the one that follows: a heading, or "Do it in these steps:"."""
    return block.kind == "heading" or (block.kind == "prose" and block.text.rstrip().endswith(":"))


def _trail(path: list[tuple[int, str]], title: str) -> str:
    """The headings above a place; the title, which most posts repeat as their first heading, is no part of it."""
    return " › ".join(text for _, text in path if text not in {"", title})


def _pieces(block: Block, tokens: TokenCounter) -> Iterator[tuple[str, int]]:
    """The block, or where it is too large, pieces of it that each fit."""
    size = tokens(block.text)
    if size <= MOST:
        yield block.text, size
        return
    head, inner = split_block(block)
    repeated = tokens(head or longest_fence(block)) + 2
    if repeated > MOST // 2:
        head, inner, repeated = "", [head, *inner], 0
    pieces = (head + text for text in _packed(inner, MOST - repeated, tokens) if text.strip())
    for piece in balance_fences(block, pieces) if repeated else pieces:
        text = piece.strip("\n")
        yield text, tokens(text)


def _packed(inner: list[str], room: int, tokens: TokenCounter) -> Iterator[str]:
    packed = ""
    for part in (small for large in inner for small in _small_enough(large, room, tokens)):
        if packed and tokens(packed + part) > room:
            yield packed
            packed = ""
        packed += part
    if packed:
        yield packed


def _small_enough(text: str, room: int, tokens: TokenCounter) -> Iterator[str]:
    """A part that is too large by itself (a minified line, an endless sentence) is halved, at a blank if it can be."""
    if tokens(text) <= room or len(text) < 2:
        yield text
        return
    middle = len(text) // 2
    blank = text.rfind(" ", 1, middle) + 1
    cut = blank or middle
    yield from _small_enough(text[:cut], room, tokens)
    yield from _small_enough(text[cut:], room, tokens)
