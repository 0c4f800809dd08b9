"""Thoughts of reasoning models that a server leaves in the text, such as those between `<think>` and `</think>`."""

import re

_TAGS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "<seed:think>": "</seed:think>",
    "[THINK]": "[/THINK]",
    "◁think▷": "◁/think▷",
    "<|channel|>analysis<|message|>": "<|start|>assistant<|channel|>final<|message|>",
}
"""Opening and closing tags, as the chat templates of models write them."""

_CLOSING = "|".join(map(re.escape, _TAGS.values()))
_FIRST_CHARACTERS = frozenset(tag[0] for tag in _TAGS.values())
_CLOSING_AT_LINE_END = re.compile(rf"(?:{_CLOSING})[ \t]*(?P<sure>\n|\Z)")
_CLOSING_ANYWHERE = re.compile(rf"(?P<sure>{_CLOSING})")


class Thought(str):
    """An empty piece of a stream: the model is thinking."""

    __slots__ = ()


class Retraction(str):
    """An empty piece of a stream that takes back all text before it."""

    __slots__ = ()


class ThoughtFilter:
    """Removes thoughts from the beginning of a text, piece by piece; the result does not depend on the cuts.

    Many chat templates write the opening tag themselves, so that only the closing one is streamed. Such a thought is
    recognized only at its end, a closing tag at a line's end outside code, and what was passed on is retracted.
    With `opens` False, which says that the model is known for this, the text is kept back until any closing tag.
    """

    def __init__(self, opens: bool = True) -> None:
        self._held = ""
        self._backticks = 0
        self._closing = ""
        self._begun = False
        self._thought = False
        self._kept: list[str] | None = None if opens else []
        self.opens = True
        """Whether the text began with an answer or with an opening tag; final after `end`."""

    @property
    def thinking(self) -> bool:
        """Whether what comes now is, or is taken for, a thought."""
        return self._closing != "" or self._kept is not None

    def read(self, piece: str) -> list[str]:
        """Take a piece and return what can be passed on; a possible tag is held back."""
        self._held += piece
        return self._pass_on(self._advance(final=False))

    def end(self, cut: bool = False) -> list[str]:
        """Return the text held back at the end; a thought that was never closed is not text.

        `cut` says that the text has no end of its own: what was kept back is then a thought.
        """
        shown = self._pass_on(self._advance(final=True))
        return [*(self._kept or ()), *shown] if not cut else shown

    def _pass_on(self, pieces: list[str]) -> list[str]:
        if self._kept is None:
            return pieces
        if self._thought:
            # The thought has ended: here, if its beginning was not marked.
            self._kept = None
            return pieces[next((at for at, piece in enumerate(pieces, 1) if isinstance(piece, Retraction)), 0) :]
        self._kept += pieces
        return []

    def _advance(self, final: bool) -> list[str]:
        while not self._begun:
            if self._closing:
                _, tag, rest = self._held.partition(self._closing)
                self._held = rest if tag else self._held[-len(self._closing) :]
                if not tag:
                    return []
                self._closing, self._thought = "", True
            text = self._held.lstrip()
            if opening := next(filter(text.startswith, _TAGS), ""):
                self._closing, self._held = _TAGS[opening], text.removeprefix(opening)
            elif not final and any(opening.startswith(text) for opening in _TAGS):
                return []
            else:
                self._begun, self._held = True, text if self._thought else self._held
        return [self._release(len(self._held))] if self._thought else self._unopened(final)

    def _unopened(self, final: bool) -> list[str]:
        """Return text that may still turn out to be a thought whose opening tag was not sent."""
        shown: list[str] = []
        expected = self._kept is not None
        closing = _CLOSING_ANYWHERE if expected else _CLOSING_AT_LINE_END
        while match := closing.search(self._held):
            shown.append(self._release(match.start()))
            if not match["sure"] and not final:
                return shown
            if expected or self._backticks % 2 == 0:
                self._held, self._begun, self._thought = self._held[match.end() - match.start() :], False, True
                self.opens = False
                return [Retraction(), *self._advance(final)]
            shown.append(self._release(len(match[0])))
        is_plain = final or _FIRST_CHARACTERS.isdisjoint(self._held)
        partial = 0 if is_plain else max(_begun(closing, self._held) for closing in _TAGS.values())
        return [*shown, self._release(len(self._held) - partial)]

    def _release(self, length: int) -> str:
        text, self._held = self._held[:length], self._held[length:]
        self._backticks += text.count("`")
        return text


def _begun(tag: str, text: str) -> int:
    """Return how many characters of a tag a text ends with, the whole tag aside."""
    return next((length for length in range(len(tag) - 1, 0, -1) if text.endswith(tag[:length])), 0)
