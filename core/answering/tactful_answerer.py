"""Tact: of lines that nobody addressed to the bot, only those are answered that the posts surely answer."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from core.answerer import Answered, Answerer, AnswerEvent, Cited, Found, Searching
from core.domain import Answer, Question
from core.tact import asks_bot

NO_PASSAGES = Found((), "none")
SILENCE = Answer("", grounded=False, confidence="none", silent=True)


class TactfulAnswerer:
    """Stays silent about lines that do not mention the bot, unless the answer turns out to be grounded.

    The search has to be sure, unless the model `follows_instructions`: then its answer tells, by a footnote that holds.
    """

    def __init__(self, answerer: Answerer, follows_instructions: bool) -> None:
        self._answerer = answerer
        self._follows_instructions = follows_instructions

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        events = self._answerer.ask(question) if question.addressed else self._ask(question)
        async with aclosing(events):
            async for event in events:
                yield event

    async def _ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        if not asks_bot(question):
            yield Searching(question)
            yield NO_PASSAGES
            yield Answered(SILENCE)
            return
        held: list[AnswerEvent] = []
        grounded = False
        async with aclosing(self._answerer.ask(question)) as events:
            async for event in events:
                match event:
                    case Found() if not self._may_answer(event):
                        yield NO_PASSAGES
                        yield Answered(_silence(question, SILENCE))
                        return
                    case Searching() | Found():
                        yield event
                    case Answered() if not (event.answer.grounded or grounded):
                        yield Answered(_silence(question, event.answer))
                    case _ if grounded or isinstance(event, Cited | Answered):
                        grounded = True
                        for each in held:
                            yield each
                        held.clear()
                        yield event
                    case _:
                        held.append(event)

    def _may_answer(self, found: Found) -> bool:
        return bool(found.hits) and (found.confidence == "sure" or self._follows_instructions)


def _silence(question: Question, answer: Answer) -> Answer:
    """Return the answer as one that is not shown; where the channel notes such questions, it becomes a gap."""
    noted = question.scope is not None and question.scope.notes_unanswered and not question.history
    return replace(answer, text="", nearest=(), confidence="none", silent=True, noted=noted)
