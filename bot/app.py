"""Composition root: builds and wires all components."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import structlog
from redis.asyncio import Redis

from bot.config.settings import Settings
from bot.embedded_redis import embedded_redis
from bot.pipeline import build_answerer, rate_limits
from bot.providers import Models, build_models
from core.answerer import Answerer
from core.answering.admission import VisitorLimiter
from core.answering.channel_scope import Channels
from core.chat.complaints import Complaints
from core.chat.overview import Overviews
from core.chat.services import ChatServices
from core.domain import Person
from core.errors import ModelError, Problem, StartupError
from core.i18n import use_wordings
from core.index.catalog import Catalog
from core.index.schema import Algorithm
from core.index.version import IndexVersion, live_version, read_metadata, vector_spec_for
from core.indexing.options import IndexDependencies, ReindexOptions
from core.indexing.progress import Progress, Report
from core.indexing.reindexer import Reindexer, roll_back_run
from core.indexing.run_events import Emit, RunEnded, RunProgressed
from core.models.circuit_breaker import CircuitBreaker
from core.models.protocols import ChatModel, Embedder, SentenceVectors
from core.models.wrappers import CircuitBreakerEmbedder
from core.retrieval.retriever import Retriever
from core.storage.connection import check_server, connect
from core.storage.erasure import PersonEraser
from core.storage.event_claims import EventClaims
from core.storage.feedback import Feedback
from core.storage.history import History
from core.storage.question_store import QuestionStore
from core.storage.rate_limiter import RateLimiter
from core.storage.reply_messages import ReplyMessages
from core.storage.statistics import Statistics
from core.storage.topology import address_of

log = structlog.get_logger()

VERSION = version("footnoted")

SYSTEM_USER = Person("footnoted", "the bot itself", admin=True)
"""Requests the runs that no person asked for."""


def sources_digest(settings: Settings) -> str:
    """Hash the sources, to detect a change; the bot's own manual changes with the version."""
    return hashlib.sha256(f"{settings.all_sources} {VERSION}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Bot:
    """All components that commands and platforms use."""

    settings: Settings
    redis: Redis
    embedder: Embedder
    chat_model: ChatModel
    sentence_vectors: SentenceVectors | None
    retriever: Retriever
    answerer: Answerer
    visitor_limiter: VisitorLimiter
    history: History
    question_store: QuestionStore
    feedback: Feedback
    eraser: PersonEraser
    overviews: Overviews
    complaints: Complaints
    channels: Channels
    catalog: Catalog
    index_dependencies: IndexDependencies
    reindexer: Reindexer

    def chat_services(self, platform: str) -> ChatServices:
        """Return the services of one platform: `slack`, `discord` or `web`."""
        return ChatServices(
            platform=platform,
            answerer=self.answerer,
            channels=self.channels,
            catalog=self.catalog,
            history=self.history,
            questions=self.question_store,
            feedback=self.feedback,
            claims=EventClaims(self.redis, platform),
            replies=ReplyMessages(self.redis, platform),
            reindexer=self.reindexer,
            overviews=self.overviews,
            complaints=self.complaints,
            emoji={str(name): emoji for name, emoji in self.settings.emoji.items()},
        )

    async def reindex_reason(self) -> str:
        """Return why the sources have to be read before questions can be answered well; empty if they need not be."""
        index = await live_version(self.redis)
        if index is None:
            return "the sources have not been read yet"
        if await self._embedding_differs(index):
            return f"the posts were embedded with another model ({index.vector_spec.model})"
        if (await read_metadata(self.redis, index.number)).get("sources") != sources_digest(self.settings):
            return "the sources have changed since the last run"
        return ""

    async def is_empty(self) -> bool:
        """Return True if nothing has been read yet, or Redis has lost it."""
        return await live_version(self.redis) is None

    async def reindex(self, on_progress: Callable[[Progress], None]) -> Report:
        """Reindex all sources, or follow the run in progress. Raises what `Reindexer.reindex` raises."""
        async with aclosing(self.reindexer.reindex(ReindexOptions(SYSTEM_USER))) as events:
            async for event in events:
                match event:
                    case RunProgressed():
                        on_progress(event.progress)
                    case RunEnded():
                        return event.report
        raise AssertionError("every stream ends with `RunEnded`")

    async def _embedding_differs(self, index: IndexVersion) -> bool:
        try:
            spec = await vector_spec_for(self.embedder, self.settings.precision, index)
        except ModelError as error:
            # Unknown then; lexical search works without the model.
            log.warning("embedding model check failed", error_id=error.id, cause=str(error))
            return False
        return spec != index.vector_spec


@asynccontextmanager
async def create_bot(settings: Settings) -> AsyncGenerator[Bot, None]:
    """Build all components, and close them at the end of the block.

    Raises StartupError if Redis is unsuitable or a model's package is missing.
    """
    async with AsyncExitStack() as stack:
        use_wordings(settings.texts)
        url = await _redis_url(settings, stack)
        redis = await _connect(url, stack)
        models = await build_models(settings, stack)
        embedder = CircuitBreakerEmbedder(models.embedder, CircuitBreaker("embedding model"))
        retriever = Retriever(redis, embedder, settings.min_score)
        history = History(redis, settings.history_turns, settings.history_ttl)
        question_store = QuestionStore(redis, settings.history_ttl)
        feedback = Feedback(redis, question_store, settings.history_ttl)
        channels = settings.all_channels
        dependencies = _index_dependencies(settings, redis, url, models)

        yield Bot(
            settings=settings,
            redis=redis,
            embedder=models.embedder,
            chat_model=models.chat,
            sentence_vectors=models.sentences,
            retriever=retriever,
            answerer=build_answerer(settings, redis, models, embedder, retriever, history, question_store, channels),
            visitor_limiter=VisitorLimiter(RateLimiter(redis), rate_limits(settings)),
            history=history,
            question_store=question_store,
            feedback=feedback,
            eraser=PersonEraser(redis, history, question_store, feedback),
            complaints=Complaints(),
            overviews=Overviews(Statistics(redis), question_store, feedback, channels, models.embedder),
            channels=channels,
            catalog=Catalog(redis),
            index_dependencies=dependencies,
            reindexer=_build_reindexer(dependencies),
        )


def _index_dependencies(settings: Settings, redis: Redis, url: str, models: Models) -> IndexDependencies:
    algorithms: dict[str, Algorithm] = {"flat": "FLAT", "hnsw": "HNSW"}
    return IndexDependencies(
        redis=redis,
        # No circuit breaker: a run ends at its first failure anyway.
        embedder=models.indexing_embedder,
        tokens=models.tokens,
        sources=settings.all_sources,
        metadata={"sources": sources_digest(settings)},
        precision=settings.precision,
        algorithm=algorithms.get(settings.vector_index),
        # Workers connect to a single server: they support neither Cluster nor Sentinel.
        redis_url="" if address_of(url) else url,
    )


def _build_reindexer(dependencies: IndexDependencies) -> Reindexer:
    async def job(options: ReindexOptions, emit: Emit) -> Report:
        # Importing the parsers takes half a second; the event loop serves questions meanwhile.
        reindex = await asyncio.to_thread(_import_index_builder)
        return await reindex(dependencies, options, emit)

    names = [source.name for source in dependencies.sources]
    return Reindexer(dependencies.redis, names, job, partial(roll_back_run, dependencies.redis))


def _import_index_builder() -> Callable[[IndexDependencies, ReindexOptions, Emit], Awaitable[Report]]:
    from bot.index_builder import reindex

    return reindex


async def _redis_url(settings: Settings, stack: AsyncExitStack) -> str:
    if settings.redis_url:
        return settings.redis_url.get_secret_value()
    return await asyncio.to_thread(stack.enter_context, embedded_redis(settings.data_dir))


async def _connect(url: str, stack: AsyncExitStack) -> Redis:
    try:
        redis = connect(url)
    except ValueError:
        # The original message may contain the URL and so the password.
        forms = "redis://user:password@host:6379, redis+cluster://host:6379,… or redis+sentinel://host:26379,…/name"
        raise StartupError(Problem("REDIS_URL is not a valid address.", f"Use one of these forms: {forms}.")) from None
    stack.push_async_callback(redis.aclose)
    problems = await check_server(redis)
    if problems:
        raise StartupError(*problems)
    return redis
