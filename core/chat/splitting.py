"""Cutting Markdown into messages that a platform takes, with code fences, links and tables kept working."""

from collections.abc import Iterator

import regex

from core.markdown import Block, balance_fences, longest_fence, parse_blocks, split_block

_WHOLE = regex.compile(r"!?\[[^\[\]\n]*\]\([^()\s]*\)(?:\[\d+\])*|`[^`\n]+`|<[^<>\s]+>|\S+")
_SHORTEST = 40
"""Characters. A message smaller than this can hold no fence and its language."""


def split(markdown: str, limit: int) -> list[str]:
    """Parts of at most `limit` characters, cut between paragraphs where that is possible.

    Parts joined with blank lines show the text again, but for the fences and table heads that are repeated where one
    was cut. Raises ValueError for a limit below 40.
    """
    if limit < _SHORTEST:
        raise ValueError(f"a message of {limit} characters holds no code block")
    messages: list[str] = []
    current = ""
    for piece in (piece for block in parse_blocks(markdown) for piece in _pieces(block, limit)):
        joined = f"{current}\n\n{piece}" if current else piece
        if len(joined) <= limit:
            current = joined
        else:
            messages.append(current)
            current = piece
    return [*messages, current] if current else messages


def _pieces(block: Block, limit: int) -> Iterator[str]:
    if len(block.text) <= limit:
        yield block.text
        return
    head, inner = split_block(block)
    repeated = len(head) or (len(fence) + 2 if (fence := longest_fence(block)) else 0)
    if repeated > limit // 2:
        head, inner, repeated = "", [head, *inner], 0
    pieces = (head + text for text in _packed(inner, limit - repeated))
    for piece in balance_fences(block, pieces) if repeated else pieces:
        if piece.strip():
            yield piece.strip("\n")


def _packed(inner: list[str], room: int) -> Iterator[str]:
    packed = ""
    for part in (small for large in inner for small in _small_enough(large, room)):
        if packed and len(packed) + len(part) > room:
            yield packed
            packed = ""
        packed += part
    if packed:
        yield packed


def _small_enough(text: str, room: int) -> Iterator[str]:
    """A part that is too large by itself is cut between words, links and spans of code; a word that is too large
    anywhere."""
    if len(text) <= room:
        yield text
        return
    start = 0
    last = 0
    for match in _WHOLE.finditer(text):
        if match.end() - start > room and last > start:
            yield text[start:last]
            start = last
        while match.end() - start > room:
            yield text[start : start + room]
            start += room
        last = match.end()
    yield text[start : start + room]  # what is beyond are blanks
