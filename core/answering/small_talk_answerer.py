"""Small talk is answered without a search and without a language model."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from core.answerer import Answered, Answerer, AnswerEvent, Found, Searching, Wrote
from core.domain import Answer, Question
from core.question_language import use_language_of
from core.small_talk import reply_to_small_talk, small_talk
from core.storage.history import History


class SmallTalkAnswerer:
    """Replies to small talk and passes on everything else.

    Neither small talk nor its reply becomes part of a conversation, where it would tell nothing about what is meant.
    """

    def __init__(self, answerer: Answerer, history: History) -> None:
        self._answerer = answerer
        self._history = history

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        if not small_talk(question.text):
            async with aclosing(self._answerer.ask(question)) as events:
                async for event in events:
                    yield event
            return
        turns = await self._history.turns(question.conversation) if question.conversation else ()
        use_language_of(question.text, turns)
        text = reply_to_small_talk(question.text)
        yield Searching(question)
        yield Found(())
        yield Wrote(text)
        yield Answered(Answer(text, grounded=False, confidence="none", small_talk=True))
