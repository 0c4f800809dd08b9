"""Splitting of a growing text into messages, of which only the last one changes.

A message longer than `soft` ends with its current block. Only a block that reaches `hard` is cut; the next message then
repeats the fence of a code block or the head of a table.
"""

from collections.abc import Mapping

import regex

from core.markdown import open_fence

_FENCE_RESERVE = 24
"""Characters reserved for the line that closes a code block, with the quotes and lists around it."""

_MAX_EARLY_GROWTH = 600
_BLANK_LINE = regex.compile(r"\n[ \t]*\n+(?=[^\n])")
_TABLE = regex.compile(
    r"(?:^|(?<=\n))(?P<head>[^\n]*\|[^\n]*\n[ \t]*\|?[ :-]*-[-| :]*\n)(?:[^\n]*\|[^\n]*(?:\n|\Z))*\Z"
)
_UNBROKEN = regex.compile(
    r"!?\[(?:[^\[\]\n]|\[[^\[\]\n]*\])*\]\([^()\s]*\)|`[^`\n]+`|<[^<>\s]+>"
    # A link or a code span that may still be closed.
    r"|!?\[(?:[^\[\]\n]|\[[^\[\]\n]*\])*(?:\[[^\[\]\n]*|\](?:\([^()\s]*)?)?\Z|`[^`\n]*\Z"
    r"|\S+"
)


def split_stream(
    markdown: str, soft: int, hard: int, ended: bool = True, early: Mapping[int, int] | None = None
) -> list[str]:
    """Return messages of at most `hard` characters, stripped.

    As the text grows, the last message only gets longer, and the others stay. Until the text has `ended`, its end may
    be held back where a cut may be needed; when it has, an open code block is closed. `early` maps the indexes of
    messages that must end soon to the number of characters that they already show.
    """
    messages: list[str] = []
    rest = markdown.lstrip("\n")
    while (at := _cut(rest, *(limits := _limits(soft, hard, (early or {}).get(len(messages)))))) is not None:
        head = rest[:at]
        messages.append(_close_fence(head))
        rest = _next_text(head, rest[at:], limits[1], ended)
    hard = limits[1]
    if not ended and len(rest) > hard - _held_back(hard):
        rest = rest[: _good_end(rest, hard)]
    last = _close_fence(rest) if ended else rest.rstrip()
    return [*messages, last] if last.strip() else messages


def _limits(soft: int, hard: int, shown: int | None) -> tuple[int, int]:
    """Return one message's limits; a message that must end soon may only grow to a good place for a cut."""
    return (soft, hard) if shown is None else (min(soft, shown), min(hard, shown + _MAX_EARLY_GROWTH))


def _close_fence(text: str) -> str:
    """Close an open code block, unless its fence is absurdly long."""
    fence = open_fence(text)
    return text.rstrip() + (f"\n{fence[1]}" if fence and len(fence[1]) < _FENCE_RESERVE else "")


def _next_text(head: str, rest: str, hard: int, ended: bool) -> str:
    """Return the text of the next message: the rest, after the fence or table head that it needs.

    It is empty while there may be nothing left of the block.
    """
    fence = open_fence(head)
    if fence:
        code = rest.lstrip("\n")
        line, newline, behind = code.partition("\n")
        closes = open_fence(f"{fence[0]}\n{line}\n") is None
        if closes and (newline or ended):
            return behind.lstrip("\n")
        may_close = not ended and not newline and fence[1].startswith(line.rstrip())
        if closes or may_close or not code:
            return ""
        return _prepend(f"{fence[0]}\n", code, hard)
    table = _TABLE.search(head)
    if table and head.endswith("\n") and not head.endswith("\n\n") and not rest.startswith("\n"):
        return _prepend(table["head"], rest, hard) if rest.strip() else ""
    return rest.lstrip("\n ")


def _prepend(opening: str, rest: str, hard: int) -> str:
    return opening + rest if len(opening) < hard // 2 else rest


def _held_back(hard: int) -> int:
    """Return the distance from the limit within which only text before a good place for a cut is shown."""
    return min(500, hard // 4)


def _cut(text: str, soft: int, hard: int) -> int | None:
    """Return where a message ends, or None while the text fits into one."""
    for blank in _BLANK_LINE.finditer(text, soft):
        if blank.end() >= hard - _FENCE_RESERVE:
            break  # a blank line must be recognised before a cut elsewhere becomes necessary
        if open_fence(text[: blank.start()]) is None:
            return blank.end()
    return _good_end(text, hard) if len(text) > hard - _FENCE_RESERVE else None


def _good_end(text: str, hard: int) -> int:
    """Return the last place near the limit for a cut: after a line, or else between words and links."""
    limit = hard - _FENCE_RESERVE
    lowest = hard - _held_back(hard)
    line = text.rfind("\n", lowest, limit)
    if line >= 0:
        return line + 1
    start = text.rfind("\n", 0, lowest) + 1
    end = start
    seen = text[: limit + 1]  # later text must not move the cut
    for word in _UNBROKEN.finditer(seen, start):
        if word.end() == len(seen):
            break
        end = word.end()
    if end >= lowest:
        return end
    # A word that is too long is cut anywhere, but not while it may still end in time.
    return limit if len(text) > limit else min(lowest, len(text))
