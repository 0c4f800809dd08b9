"""The text of one answer as a model writes it: its events, and what is left of it at the end."""

from collections.abc import Callable, Iterator

from core.answerer import AnswerEvent, Cited, Retracted, Thinking, Wrote
from core.answering.citations import CitationFilter
from core.domain import Footnote
from core.errors import AnswerInterruptedError, AnswerTooLongError
from core.i18n import N_, gettext
from core.models.thoughts import Retraction, Thought

CUT_NOTICE = N_("The answer ends here because the language model reached its length limit.")


class AnswerText:
    """Turns a model's pieces into events; `shown` is the text so far, with checked footnotes and without thoughts."""

    def __init__(self, new_filter: Callable[[], CitationFilter]) -> None:
        self._new_filter = new_filter
        self._thinking = False
        self._begin()

    def _begin(self) -> None:
        self._citations = self._new_filter()
        self.shown = ""
        self.begun = False
        """Whether the model has written anything but thoughts."""

    @property
    def footnotes(self) -> tuple[Footnote, ...]:
        """The posts cited so far."""
        return self._citations.footnotes

    def read(self, piece: str) -> Iterator[AnswerEvent]:
        """Take a piece of the model's stream."""
        match piece:
            case Retraction():
                if self.shown:
                    yield Retracted()
                self._begin()
            case Thought():
                if not self._thinking:
                    yield Thinking()
                self._thinking = True
            case _:
                self.begun = True
                yield from self._events(len(self.footnotes), self._citations.read(piece))

    def end(self, cut: AnswerTooLongError | None) -> Iterator[AnswerEvent]:
        """Yield the rest, with a notice if the text was `cut` at the model's limit. Raises ModelError without text."""
        known = len(self.footnotes)
        rest = self._citations.end()
        if not (self.shown + rest).strip():
            raise cut or AnswerInterruptedError("the model wrote nothing")
        if cut:
            fence = self._citations.open_fence
            rest += (f"\n{fence}" if fence else "") + f"\n\n{gettext(CUT_NOTICE)}"
        yield from self._events(known, rest)

    def _events(self, known: int, text: str) -> Iterator[AnswerEvent]:
        self.shown += text
        yield from map(Cited, self.footnotes[known:])
        if text:
            yield Wrote(text)
