"""Cutting a post into passages that follow its headings and paragraphs."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from core.markdown import Block, blocks, fence_to_repeat, heading_text, parts, refenced
from core.tokens import Tokens
from core.vocabulary import Passage, Post

MOST = 300
"""Tokens of a passage at most."""

ENOUGH = 200
"""Tokens after which a new heading begins a new passage; a shorter section stays with the one before it."""


def chunk(post: Post, tokens: Tokens) -> tuple[Passage, ...]:
    """The passages of a post, in order. All its words are in them; a code block is whole where it fits."""
    return tuple(
        Passage(post.url, post.title, heading, text, post.source, position, post.published)
        for position, (heading, text) in enumerate(_passages(post, tokens))
    )


@dataclass
class _Draft:
    """A passage in the making."""

    heading: str = ""
    texts: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, text: str, size: int, heading: str) -> None:
        if not self.texts:
            self.heading = heading
        self.texts.append(text)
        self.size += size

    def take(self) -> tuple[str, str]:
        done = (self.heading, "\n\n".join(self.texts))
        self.texts, self.size = [], 0
        return done


def _passages(post: Post, tokens: Tokens) -> Iterator[tuple[str, str]]:
    draft = _Draft()
    path: list[tuple[int, str]] = []
    for block in blocks(post.text):
        if block.kind == "heading":
            path = [*(above for above in path if above[0] < block.level), (block.level, heading_text(block))]
            if draft.size >= ENOUGH:
                yield draft.take()
        heading = _trail(path, post.title)
        for text, size in _pieces(block, tokens):
            # Two tokens for the blank line between.
            if draft.texts and draft.size + size + 2 > MOST:
                yield draft.take()
            draft.add(text, size + 2, heading)
    if draft.texts:
        yield draft.take()


def _trail(path: list[tuple[int, str]], title: str) -> str:
    """The headings above a place; the title, which most posts repeat as their first heading, is no part of it."""
    return " › ".join(text for _, text in path if text not in {"", title})


def _pieces(block: Block, tokens: Tokens) -> Iterator[tuple[str, int]]:
    """The block, or where it is too large, pieces of it that each fit."""
    size = tokens(block.text)
    if size <= MOST:
        yield block.text, size
        return
    head, inner = parts(block)
    repeated = tokens(head or fence_to_repeat(block)) + 2
    if repeated > MOST // 2:
        head, inner, repeated = "", [head, *inner], 0
    pieces = (head + text for text in _packed(inner, MOST - repeated, tokens) if text.strip())
    for piece in refenced(block, pieces) if repeated else pieces:
        text = piece.strip("\n")
        yield text, tokens(text)


def _packed(inner: list[str], room: int, tokens: Tokens) -> Iterator[str]:
    packed = ""
    for part in (small for large in inner for small in _small_enough(large, room, tokens)):
        if packed and tokens(packed + part) > room:
            yield packed
            packed = ""
        packed += part
    if packed:
        yield packed


def _small_enough(text: str, room: int, tokens: Tokens) -> Iterator[str]:
    """A part that is too large by itself (a minified line, an endless sentence) is halved, at a blank if it can be."""
    if tokens(text) <= room or len(text) < 2:
        yield text
        return
    middle = len(text) // 2
    blank = text.rfind(" ", 1, middle) + 1
    cut = blank or middle
    yield from _small_enough(text[:cut], room, tokens)
    yield from _small_enough(text[cut:], room, tokens)
