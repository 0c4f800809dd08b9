"""An asker that answers as it was told, for tests of what an adapter shows."""

from collections.abc import AsyncGenerator, Sequence

from core.answerer import Answered, AnswerEvent, Cited, Found, Searching, Wrote
from core.domain import Answer, Footnote, Passage, Question, ScoredPassage

PASSAGE = Passage(url="https://garden.example/bees", title="Bees in winter", heading="Eating", text="Bees eat honey.")
PIECES = ("Bees live on ", "**honey** [1]", ".\n\nThey shiver “together” 🐝.")
FOOTNOTES = (Footnote(1, PASSAGE.title, PASSAGE.url, 0.9), Footnote(2, "Honey", "garden/honey.md", 0.4))
TEXT = "".join(PIECES)
ANSWER = Answer(TEXT, grounded=True, footnotes=FOOTNOTES, timings_ms={"found": 1.0, "total": 2.0})


class ScriptedAsker:
    """Plays its events, and then raises its error, if it has one."""

    def __init__(self, pieces: Sequence[str] = PIECES, answer: Answer = ANSWER, error: Exception | None = None) -> None:
        self._pieces = pieces
        self._answer = answer
        self._error = error

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        yield Searching(question)
        yield Found((ScoredPassage(PASSAGE, 0.9),))
        for footnote in self._answer.footnotes:
            yield Cited(footnote)
        for piece in self._pieces:
            yield Wrote(piece)
        if self._error:
            raise self._error
        yield Answered(self._answer)
