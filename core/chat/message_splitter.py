"""Cutting a text that still grows into messages, so that what was shown stays as it is.

A message that has been filled beyond `soft` ends with the block that is being written; only when that block runs on to
`hard` it is cut within, and then the fence of a code block and the head of a table are repeated in the next message.
"""

from collections.abc import Mapping

import regex

from core.markdown import open_fence

_FENCE_ROOM = 24
"""Characters kept free for the line that closes a block of code, with the quotes and lists around it."""

_ROOM_TO_END = 600
_BLANK_LINE = regex.compile(r"\n[ \t]*\n+(?=[^\n])")
_TABLE = regex.compile(
    r"(?:^|(?<=\n))(?P<head>[^\n]*\|[^\n]*\n[ \t]*\|?[ :-]*-[-| :]*\n)(?:[^\n]*\|[^\n]*(?:\n|\Z))*\Z"
)
_UNBROKEN = regex.compile(
    r"!?\[(?:[^\[\]\n]|\[[^\[\]\n]*\])*\]\([^()\s]*\)|`[^`\n]+`|<[^<>\s]+>"
    # A link or a span of code that may still be closed.
    r"|!?\[(?:[^\[\]\n]|\[[^\[\]\n]*\])*(?:\[[^\[\]\n]*|\](?:\([^()\s]*)?)?\Z|`[^`\n]*\Z"
    r"|\S+"
)


def split_stream(
    markdown: str, soft: int, hard: int, ended: bool = True, early: Mapping[int, int] | None = None
) -> list[str]:
    """Messages of at most `hard` characters, without blanks at their ends.

    As the text grows, all messages but the last one stay, and the last one only gets longer. Until the text has `ended`
    something at its end may be held back, when there might have to be a cut before it. A block of code that is open at
    the end of a text that has ended is closed. `early` are messages, by their place in the row, that have to end soon
    whatever their length, and how much they show already.
    """
    messages: list[str] = []
    rest = markdown.lstrip("\n")
    while (at := _cut(rest, *(limits := _limits(soft, hard, (early or {}).get(len(messages)))))) is not None:
        head = rest[:at]
        messages.append(_closed(head))
        rest = _following(head, rest[at:], limits[1], ended)
    hard = limits[1]
    if not ended and len(rest) > hard - _held_back(hard):
        rest = rest[: _good_end(rest, hard)]
    last = _closed(rest) if ended else rest.rstrip()
    return [*messages, last] if last.strip() else messages


def _limits(soft: int, hard: int, shown: int | None) -> tuple[int, int]:
    """Those of one message; one that is to end soon gets no room beyond what it takes to find a good place."""
    return (soft, hard) if shown is None else (min(soft, shown), min(hard, shown + _ROOM_TO_END))


def _closed(text: str) -> str:
    """The text with the line that closes its block of code, unless that is longer than anybody writes it."""
    fence = open_fence(text)
    return text.rstrip() + (f"\n{fence[1]}" if fence and len(fence[1]) < _FENCE_ROOM else "")


def _following(head: str, rest: str, hard: int, ended: bool) -> str:
    """What stands in the next message: the rest, with the fence or the table's head that it needs; nothing as long as
    it may turn out that nothing of the block is left."""
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
        return _opened(f"{fence[0]}\n", code, hard)
    table = _TABLE.search(head)
    if table and head.endswith("\n") and not head.endswith("\n\n") and not rest.startswith("\n"):
        return _opened(table["head"], rest, hard) if rest.strip() else ""
    return rest.lstrip("\n ")


def _opened(opening: str, rest: str, hard: int) -> str:
    return opening + rest if len(opening) < hard // 2 else rest


def _held_back(hard: int) -> int:
    """So near to the limit, only what stands before a good place to cut is shown."""
    return min(500, hard // 4)


def _cut(text: str, soft: int, hard: int) -> int | None:
    """Where a message ends, or None while the text fits into one."""
    for blank in _BLANK_LINE.finditer(text, soft):
        if blank.end() >= hard - _FENCE_ROOM:
            break  # so that a blank line is known as one before there has to be a cut somewhere else
        if open_fence(text[: blank.start()]) is None:
            return blank.end()
    return _good_end(text, hard) if len(text) > hard - _FENCE_ROOM else None


def _good_end(text: str, hard: int) -> int:
    """The last place near the limit at which a message could end: behind a line, else between words and links."""
    room = hard - _FENCE_ROOM
    nearly = hard - _held_back(hard)
    line = text.rfind("\n", nearly, room)
    if line >= 0:
        return line + 1
    start = text.rfind("\n", 0, nearly) + 1
    end = start
    seen = text[: room + 1]  # nothing beyond may change where the cut is
    for word in _UNBROKEN.finditer(seen, start):
        if word.end() == len(seen):
            break
        end = word.end()
    if end >= nearly:
        return end
    # A word that takes up all the room is cut anywhere; as long as it may still end before that, it waits.
    return room if len(text) > room else min(nearly, len(text))
