"""The answer pipeline: every layer that a question passes, from the outermost to the model."""

from datetime import timedelta

from redis.asyncio import Redis

from bot.config.settings import Settings
from bot.providers import Models
from core.answerer import Answerer
from core.answering.admission import GuardedAnswerer, RateLimits
from core.answering.channel_scope import Channels
from core.answering.conversation_memory import ConversationalAnswerer
from core.answering.prompts import DEFAULT_PERSONA, Instructions
from core.answering.question_recorder import RecordingAnswerer
from core.answering.rag import Limits, RagAnswerer
from core.answering.small_talk_answerer import SmallTalkAnswerer
from core.answering.tactful_answerer import TactfulAnswerer
from core.answering.token_budget import BudgetedAnswerer, MeteredChatModel
from core.models.circuit_breaker import CircuitBreaker
from core.models.extractive_chat import ExtractiveChatModel
from core.models.protocols import ChatModel, Embedder
from core.models.wrappers import CircuitBreakerChatModel
from core.retrieval.retriever import Retriever
from core.storage.history import History
from core.storage.question_store import QuestionStore
from core.storage.rate_limiter import RateLimiter
from core.storage.token_usage import TokenUsage


def build_answerer(
    settings: Settings,
    redis: Redis,
    models: Models,
    embedder: Embedder,
    retriever: Retriever,
    history: History,
    questions: QuestionStore,
    channels: Channels,
) -> Answerer:
    """Assemble record → admission → small talk → conversation memory → tact → retrieval and model.

    `embedder` is the one for questions. A daily token budget chooses between two of the innermost pairs, one with the
    chat model and one that only quotes.
    """

    def conversational(model: ChatModel) -> Answerer:
        instructions = Instructions(settings.system_prompt or DEFAULT_PERSONA, settings.answer_beyond_sources)
        switches = settings.verify_citations, settings.rewrite
        limits = answer_limits(settings)
        rag = RagAnswerer(retriever, model, instructions, limits, models.tokens, *switches, models.sentences)
        return ConversationalAnswerer(TactfulAnswerer(rag, model.follows_instructions), history)

    # People who leave a silent model do so before its time is up.
    silence = timedelta(seconds=settings.first_token_seconds * 2 / 3)
    chat = CircuitBreakerChatModel(models.chat, CircuitBreaker("language model", silence_limit=silence))
    if settings.daily_tokens:
        usage = TokenUsage(redis)
        answerer: Answerer = BudgetedAnswerer(
            conversational(MeteredChatModel(chat, usage, models.tokens)),
            fallback=conversational(ExtractiveChatModel(embedder)),
            usage=usage,
            limits=settings.daily_tokens,
        )
    else:
        answerer = conversational(chat)
    answerer = SmallTalkAnswerer(answerer, history)
    admitted = GuardedAnswerer(answerer, RateLimiter(redis), rate_limits(settings), channels)
    return RecordingAnswerer(admitted, questions)


def answer_limits(settings: Settings) -> Limits:
    """Return the configured limits of one answer."""
    return Limits(
        context=settings.context_tokens,
        top_k=settings.top_k,
        first_token=timedelta(seconds=settings.first_token_seconds),
        whole_answer=timedelta(seconds=settings.answer_seconds),
    )


def rate_limits(settings: Settings) -> RateLimits:
    """Return the configured questions a minute."""
    return RateLimits(
        settings.questions_per_minute, settings.channel_questions_per_minute, settings.web_questions_per_minute
    )
