"""The rooms around the answerer, in their order: who may ask, from what, with which memory and on whose budget."""

from dataclasses import dataclass

from redis.asyncio import Redis

from bot.models import Models
from bot.settings import Settings
from core.answering.answerer import Answerer, Limits
from core.answering.budgeting import Budgeting, Metered
from core.answering.limiting import Allowance, Limiting, Visitors
from core.answering.prompting import PERSONA, Instructions
from core.answering.remembering import Remembering
from core.answering.scoping import Channels, Scoping
from core.asking import Asker
from core.knowledge.retriever import Retriever
from core.memory.budget import Budget
from core.memory.history import History
from core.memory.quota import Quota
from core.models.breaker import Breaker
from core.models.extracting import ExtractingModel
from core.models.protocols import ChatModel, Embedder
from core.models.sparing import SparingChat


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the rooms are built from. `embedder` is the one for questions."""

    settings: Settings
    redis: Redis
    models: Models
    embedder: Embedder
    retriever: Retriever
    history: History
    channels: Channels

    def asker(self) -> Asker:
        settings = self.settings
        chat: ChatModel = SparingChat(self.models.chat, Breaker("language model"))
        asker = self._budgeting(chat) if settings.daily_tokens else self._remembering(chat)
        return Limiting(Scoping(asker, self.channels), Quota(self.redis), self._allowance)

    def visitors(self) -> Visitors:
        return Visitors(Quota(self.redis), self._allowance)

    @property
    def _allowance(self) -> Allowance:
        settings = self.settings
        return Allowance(
            settings.questions_per_minute, settings.channel_questions_per_minute, settings.web_questions_per_minute
        )

    def _budgeting(self, chat: ChatModel) -> Asker:
        """What people are told about the budget is not a part of the conversation, and so stays outside its memory."""
        budget = Budget(self.redis)
        metered = self._remembering(Metered(chat, budget, self.models.tokens))
        frugal = self._remembering(ExtractingModel(self.embedder))
        return Budgeting(metered, frugal, budget, self.settings.daily_tokens)

    def _remembering(self, chat: ChatModel) -> Asker:
        settings = self.settings
        answerer = Answerer(
            self.retriever,
            chat,
            Instructions(settings.system_prompt or PERSONA, settings.answer_beyond_sources),
            Limits(context=settings.context_tokens, top_k=settings.top_k),
            self.models.tokens,
        )
        return Remembering(answerer, self.history)
