"""The rooms around the answerer, in their order: who may ask, from what, with which memory and on whose budget."""

from dataclasses import dataclass

from redis.asyncio import Redis

from bot.config.settings import Settings
from bot.providers import Models
from core.answerer import Answerer
from core.answering.channel_scope import Channels, ScopedAnswerer
from core.answering.conversation_memory import ConversationalAnswerer
from core.answering.prompts import DEFAULT_PERSONA, Instructions
from core.answering.question_limits import LimitedAnswerer, RateLimits, VisitorLimiter
from core.answering.rag import Limits, RagAnswerer
from core.answering.token_budget import BudgetedAnswerer, MeteredChatModel
from core.models.breaker_models import CircuitBreakerChatModel
from core.models.circuit_breaker import CircuitBreaker
from core.models.extractive_chat import ExtractiveChatModel
from core.models.protocols import ChatModel, Embedder
from core.retrieval.retriever import Retriever
from core.storage.history import History
from core.storage.rate_limiter import RateLimiter
from core.storage.token_usage import TokenUsage


@dataclass(frozen=True, slots=True)
class PipelineBuilder:
    """What the rooms are built from. `embedder` is the one for questions."""

    settings: Settings
    redis: Redis
    models: Models
    embedder: Embedder
    retriever: Retriever
    history: History
    channels: Channels

    def asker(self) -> Answerer:
        settings = self.settings
        chat: ChatModel = CircuitBreakerChatModel(self.models.chat, CircuitBreaker("language model"))
        asker = self._budgeting(chat) if settings.daily_tokens else self._remembering(chat)
        return LimitedAnswerer(ScopedAnswerer(asker, self.channels), RateLimiter(self.redis), self._allowance)

    def visitors(self) -> VisitorLimiter:
        return VisitorLimiter(RateLimiter(self.redis), self._allowance)

    @property
    def _allowance(self) -> RateLimits:
        settings = self.settings
        return RateLimits(
            settings.questions_per_minute, settings.channel_questions_per_minute, settings.web_questions_per_minute
        )

    def _budgeting(self, chat: ChatModel) -> Answerer:
        """What people are told about the budget is not a part of the conversation, and so stays outside its memory."""
        budget = TokenUsage(self.redis)
        metered = self._remembering(MeteredChatModel(chat, budget, self.models.tokens))
        frugal = self._remembering(ExtractiveChatModel(self.embedder))
        return BudgetedAnswerer(metered, frugal, budget, self.settings.daily_tokens)

    def _remembering(self, chat: ChatModel) -> Answerer:
        settings = self.settings
        answerer = RagAnswerer(
            self.retriever,
            chat,
            Instructions(settings.system_prompt or DEFAULT_PERSONA, settings.answer_beyond_sources),
            Limits(context=settings.context_tokens, top_k=settings.top_k),
            self.models.tokens,
        )
        return ConversationalAnswerer(answerer, self.history)
