"""The daily token budget: when it is used up, answers are quoted from the posts instead of written by the model."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

import structlog
from redis.exceptions import RedisError

from core.answerer import Answered, Answerer, AnswerEvent, Wrote
from core.domain import Question
from core.i18n import N_, gettext
from core.models.protocols import ChatModel, Prompt
from core.models.wrappers import ForwardingChatModel
from core.storage.token_usage import TokenUsage
from core.tokens import TokenCounter

log = structlog.get_logger()

WHOLE_USED_UP = N_("Today's budget for the language model is used up: until midnight UTC I quote from the posts.")
PERSON_USED_UP = N_("Your share of the language model for today is used up: until midnight UTC I quote from the posts.")


@dataclass(frozen=True, slots=True)
class DailyTokens:
    """Daily token limits; None means no limit. A question without a person counts only towards `whole`."""

    whole: int | None = None
    person: int | None = None

    def __bool__(self) -> bool:
        return self.whole is not None or self.person is not None


class BudgetedAnswerer:
    """Chooses `answerer` within the budget and the free `fallback` beyond it, which then explains why.

    The choice is made once a question: an answer that has begun within the budget is finished. The notice must not
    become part of the conversation, so both answerers keep their memory below this one.
    """

    def __init__(self, answerer: Answerer, fallback: Answerer, usage: TokenUsage, limits: DailyTokens) -> None:
        self._answerer = answerer
        self._fallback = fallback
        self._usage = usage
        self._limits = limits

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        notice = await self._exhausted(question)
        async with aclosing((self._fallback if notice else self._answerer).ask(question)) as events:
            async for event in events:
                if notice and isinstance(event, Answered) and event.answer.grounded:
                    suffix = f"\n\n_{gettext(notice)}_"
                    yield Wrote(suffix)
                    event = Answered(replace(event.answer, text=event.answer.text + suffix))
                yield event

    async def _exhausted(self, question: Question) -> str:
        """Return the notice for users, empty within the budget."""
        used = await self._usage.used_today(question)
        if self._limits.whole is not None and used.whole >= self._limits.whole:
            return WHOLE_USED_UP
        if self._limits.person is not None and used.person >= self._limits.person:
            return PERSON_USED_UP
        return ""


class MeteredChatModel(ForwardingChatModel):
    """Counts the tokens of a chat model: the prompt before the request, the reply after it, however it ends."""

    def __init__(self, model: ChatModel, usage: TokenUsage, tokens: TokenCounter) -> None:
        super().__init__(model)
        self._usage = usage
        self._tokens = tokens

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        sent = (prompt.system, *(turn.content for turn in prompt.history), prompt.request)
        await self._count(prompt.question, sum(map(self._tokens, sent)))
        written: list[str] = []
        try:
            async with aclosing(self._model.stream(prompt)) as pieces:
                async for piece in pieces:
                    written.append(piece)
                    yield piece
        finally:
            await self._count(prompt.question, self._tokens("".join(written)))

    async def _count(self, question: Question, tokens: int) -> None:
        try:
            if tokens:
                await self._usage.add(question, tokens)
        except RedisError as error:
            # Counting must not cost the user their answer.
            log.warning("token accounting failed", tokens=tokens, cause=str(error))
