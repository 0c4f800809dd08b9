"""An asker that remembers: it gives a question the turns before it, and keeps the answer for the next."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import structlog
from redis.exceptions import RedisError

from core.answerer import Answered, Answerer, AnswerEvent
from core.domain import Conversation, Person, Question, Turn
from core.storage.history import History

log = structlog.get_logger()


class ConversationalAnswerer:
    """Questions without a conversation pass through as they are."""

    def __init__(self, asker: Answerer, history: History) -> None:
        self._asker = asker
        self._history = history

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        place = question.conversation
        if place is not None:
            # What a platform's own thread brought along is newer than what was answered there.
            question = replace(question, history=(*await self._history.turns(place), *question.history))
        async with aclosing(self._asker.ask(question)) as events:
            async for event in events:
                if place is not None and isinstance(event, Answered):
                    turns = (Turn("user", question.text), Turn("assistant", event.answer.text))
                    await self._keep(place, question.person, *turns)
                yield event

    async def _keep(self, place: Conversation, person: Person | None, *turns: Turn) -> None:
        try:
            await self._history.append(place, *turns, person=person)
        except RedisError as error:
            # The answer is there, and stands; only the next question will not know of it.
            log.warning("an answer was not kept", cause=str(error))
