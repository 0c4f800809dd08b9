"""Conversation memory: give a question the turns before it, and keep its answer for the next one."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import structlog
from redis.exceptions import RedisError

from core.answerer import Answered, Answerer, AnswerEvent
from core.domain import Conversation, Question, Turn
from core.question_language import use_language_of
from core.storage.history import History

log = structlog.get_logger()


class ConversationalAnswerer:
    """Adds the conversation's history to each question. Questions without a conversation pass through unchanged."""

    def __init__(self, answerer: Answerer, history: History) -> None:
        self._answerer = answerer
        self._history = history

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        conversation = question.conversation
        if conversation is not None:
            if not question.follows:
                # Turns from the platform's own thread are newer than the stored ones.
                question = replace(question, history=(*await self._history.turns(conversation), *question.history))
            use_language_of(question.text, question.history)
        async with aclosing(self._answerer.ask(question)) as events:
            async for event in events:
                if conversation is not None and isinstance(event, Answered) and not event.answer.silent:
                    await self._store(conversation, question, event.answer.text)
                yield event

    async def _store(self, conversation: Conversation, question: Question, answer: str) -> None:
        turns = (Turn("user", question.text), Turn("assistant", answer))
        try:
            await self._history.append(conversation, *turns, person=question.person)
        except RedisError as error:
            # The user gets the answer; only the next question will not know of it.
            log.warning("conversation update failed", cause=str(error))
