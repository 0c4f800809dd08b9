"""An asker that keeps to a budget: when the day's tokens are used up, answers are quoted from the posts, and say so."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

import structlog
from redis.exceptions import RedisError

from core.answerer import Answered, Answerer, AnswerEvent, Wrote
from core.domain import Question
from core.models.protocols import ChatModel, Prompt
from core.storage.token_usage import TokenUsage
from core.tokens import Tokens

log = structlog.get_logger()

WHOLE_USED_UP = "_Today's budget for the language model is used up: until midnight UTC I quote from the posts._"
PERSON_USED_UP = "_Your share of the language model for today is used up: until midnight UTC I quote from the posts._"


@dataclass(frozen=True, slots=True)
class DailyTokens:
    """The most tokens of a day; None is no limit. A question without a person counts as one of all people alone."""

    whole: int | None = None
    person: int | None = None

    def __bool__(self) -> bool:
        return self.whole is not None or self.person is not None


class BudgetedAnswerer:
    """Asks `asker` within the budget, and beyond it `frugal`, which costs nothing. What is being answered when the
    budget ends is answered to its end."""

    def __init__(self, asker: Answerer, frugal: Answerer, budget: TokenUsage, most: DailyTokens) -> None:
        self._asker = asker
        self._frugal = frugal
        self._budget = budget
        self._most = most

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        why = await self._used_up(question)
        async with aclosing((self._frugal if why else self._asker).ask(question)) as events:
            async for event in events:
                if why and isinstance(event, Answered) and event.answer.grounded:
                    said = f"\n\n{why}"
                    yield Wrote(said)
                    event = Answered(replace(event.answer, text=event.answer.text + said))
                yield event

    async def _used_up(self, question: Question) -> str:
        """What people are told about it; nothing within the budget."""
        spent = await self._budget.used_today(question)
        if self._most.whole is not None and spent.whole >= self._most.whole:
            return WHOLE_USED_UP
        if self._most.person is not None and spent.person >= self._most.person:
            return PERSON_USED_UP
        return ""


class MeteredChatModel:
    """A chat model whose tokens are counted, whoever stops it and however it ends: what was sent before it is asked,
    and what it wrote behind that."""

    def __init__(self, model: ChatModel, budget: TokenUsage, tokens: Tokens) -> None:
        self._model = model
        self._budget = budget
        self._tokens = tokens

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def follows_instructions(self) -> bool:
        return self._model.follows_instructions

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
                await self._budget.add(question, tokens)
        except RedisError as error:
            # Whoever asked gets the answer all the same.
            log.warning("tokens were not counted", tokens=tokens, cause=str(error))
