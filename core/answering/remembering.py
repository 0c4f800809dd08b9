"""An asker that remembers: it gives a question the turns before it, and keeps the answer for the next."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from core.asking import Answered, AnswerEvent, Asker
from core.memory.history import History
from core.vocabulary import Question, Turn


class Remembering:
    """Questions without a conversation pass through as they are."""

    def __init__(self, asker: Asker, history: History) -> None:
        self._asker = asker
        self._history = history

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        place = question.conversation
        if place is not None:
            # What a platform's own thread brought along comes first.
            question = replace(question, history=(*question.history, *await self._history.recall(place)))
        async with aclosing(self._asker.ask(question)) as events:
            async for event in events:
                if place is not None and isinstance(event, Answered):
                    turns = (Turn("user", question.text), Turn("assistant", event.answer.text))
                    await self._history.append(place, *turns)
                yield event
