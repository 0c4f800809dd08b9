"""Thoughts of reasoning models that a server leaves in the text, between `<think>` and `</think>`."""

import re

_OPENING, _CLOSING = "<think>", "</think>"
_LAST_LINE = re.compile(r"</think>[ \t]*(?P<end>\n|\Z)")


class Retraction(str):
    """An empty piece of a stream that takes back all text before it."""

    __slots__ = ()


class ThoughtFilter:
    """Removes thoughts from the beginning of a text, piece by piece; the result does not depend on the cuts.

    Many chat templates write the opening tag themselves, so that only the closing one is streamed. Such a thought is
    recognized only at its end, a `</think>` at the end of a line outside code, and what was passed on is retracted.
    """

    def __init__(self) -> None:
        self._held = ""
        self._backticks = 0
        self._thinking = False
        self._begun = False
        self._thought = False

    def read(self, piece: str) -> list[str]:
        """Take a piece and return what can be passed on; a possible tag is held back."""
        self._held += piece
        return self._advance(final=False)

    def end(self) -> list[str]:
        """Return the text held back at the end; a thought that was never closed is not text."""
        return self._advance(final=True)

    def _advance(self, final: bool) -> list[str]:
        while not self._begun:
            if self._thinking:
                _, tag, rest = self._held.partition(_CLOSING)
                self._held = rest if tag else self._held[-len(_CLOSING) :]
                if not tag:
                    return []
                self._thinking, self._thought = False, True
            text = self._held.lstrip()
            if text.startswith(_OPENING):
                self._thinking, self._held = True, text.removeprefix(_OPENING)
            elif _OPENING.startswith(text) and not final:
                return []
            else:
                self._begun, self._held = True, text if self._thought else self._held
        return [self._release(len(self._held))] if self._thought else self._unopened(final)

    def _unopened(self, final: bool) -> list[str]:
        """Return text that may still turn out to be a thought whose opening tag was not sent."""
        shown: list[str] = []
        while match := _LAST_LINE.search(self._held):
            shown.append(self._release(match.start()))
            if not match["end"] and not final:
                return shown
            if self._backticks % 2 == 0:
                self._held, self._begun, self._thought = self._held[match.end() - match.start() :], False, True
                return [Retraction(), *self._advance(final)]
            shown.append(self._release(len(match[0])))
        partial = 0 if final else next((n for n in range(7, 0, -1) if self._held.endswith(_CLOSING[:n])), 0)
        return [*shown, self._release(len(self._held) - partial)]

    def _release(self, length: int) -> str:
        text, self._held = self._held[:length], self._held[length:]
        self._backticks += text.count("`")
        return text
