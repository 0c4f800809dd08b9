"""Which piece stands behind which."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import version
from typing import cast

import structlog
from redis.asyncio import Redis

from bot.config.settings import Settings
from bot.embedded_redis import embedded_redis
from bot.index_dependencies import IndexDependencies
from bot.pipeline import PipelineBuilder
from bot.providers import build_models
from core.answerer import Answerer
from core.answering.channel_scope import Channels
from core.answering.measurement import MeasuredAnswerer
from core.answering.question_limits import VisitorLimiter
from core.answering.question_recorder import RecordingAnswerer
from core.chat.services import ChatServices
from core.domain import Person
from core.errors import ModelError, Problem, StartupError
from core.index.catalog import Catalog
from core.index.version import IndexVersion, live_version, read_metadata, vector_spec_for
from core.indexing.options import ReindexOptions
from core.indexing.progress import Progress, Report
from core.indexing.reindexer import Reindexer, ReindexRequest
from core.indexing.rollback import roll_back_run
from core.indexing.run_events import RunEnded, RunProgressed, Tell
from core.models.breaker_models import CircuitBreakerEmbedder
from core.models.circuit_breaker import CircuitBreaker
from core.models.protocols import ChatModel, Embedder
from core.retrieval.retriever import Retriever
from core.storage.connection import check_server, connect
from core.storage.erasure import PersonEraser
from core.storage.event_claims import EventClaims
from core.storage.feedback import Feedback
from core.storage.history import History
from core.storage.question_store import QuestionStore
from core.storage.reply_messages import ReplyMessages
from core.storage.topology import address_of
from core.tokens import Tokens

log = structlog.get_logger()

VERSION = version("footnoted")

ITSELF = Person("footnoted", "the bot itself", admin=True)
"""Who has the sources read when nobody asked for it."""


def sources_digest(settings: Settings) -> str:
    """What tells whether the sources are those that were read last; the manual changes with the version."""
    return hashlib.sha256(f"{settings.all_sources} {VERSION}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Bot:
    """Everything a command needs."""

    settings: Settings
    redis: Redis
    embedder: Embedder
    chat: ChatModel
    retriever: Retriever
    asker: Answerer
    visitors: VisitorLimiter
    history: History
    answers: QuestionStore
    feedback: Feedback
    forgetting: PersonEraser
    channels: Channels
    library: Catalog
    tokens: Tokens
    means: IndexDependencies
    reindexer: Reindexer

    def chat_services(self, platform: str) -> ChatServices:
        """Return the services of one platform: `slack`, `discord` or `web`."""
        return ChatServices(
            platform=platform,
            asker=self.asker,
            channels=self.channels,
            library=self.library,
            history=self.history,
            answers=self.answers,
            feedback=self.feedback,
            once=EventClaims(self.redis, platform),
            replies=ReplyMessages(self.redis, platform),
            reindexer=self.reindexer,
        )

    async def reason_to_read(self) -> str:
        """Why the sources have to be read before questions are answered well; nothing when they need not be."""
        edition = await live_version(self.redis)
        if edition is None:
            return "nothing has been read yet"
        if await self._embeds_otherwise(edition):
            return f"the posts were read with another embedding model ({edition.vector_spec.model})"
        if (await read_metadata(self.redis, edition.number)).get("sources") != sources_digest(self.settings):
            return "the sources are not those that were read last"
        return ""

    async def is_empty(self) -> bool:
        """Whether nothing has been read yet, or Redis has lost it."""
        return await live_version(self.redis) is None

    async def read(self, tell: Callable[[Progress], None]) -> Report:
        """Has all sources read, or watches whoever reads them. Raises what `Reindexer.reindex` raises."""
        async with aclosing(self.reindexer.reindex(ReindexRequest(ITSELF))) as events:
            async for event in events:
                match event:
                    case RunProgressed():
                        tell(event.progress)
                    case RunEnded():
                        return event.report
        raise AssertionError("every stream ends with `Ended`")

    async def _embeds_otherwise(self, edition: IndexVersion) -> bool:
        try:
            shape = await vector_spec_for(self.embedder, self.settings.precision, edition)
        except ModelError as error:
            # It cannot be known, and what was read can be searched by words all the same.
            log.warning("the embedding model does not answer", error_id=error.id, cause=str(error))
            return False
        return shape != edition.vector_spec


@asynccontextmanager
async def create_bot(settings: Settings) -> AsyncGenerator[Bot, None]:
    """The bot, for as long as the block lasts. Raises StartupError when Redis or a model's package is not what it
    needs."""
    async with AsyncExitStack() as stack:
        url = await _redis_url(settings, stack)
        redis = await _redis(url, stack)
        models = await build_models(settings, stack)
        asked = CircuitBreakerEmbedder(models.embedder, CircuitBreaker("embedding model"))
        retriever = Retriever(redis, asked, settings.min_score)
        history = History(redis, settings.history_turns, settings.history_ttl)
        answers = QuestionStore(redis, settings.history_ttl)
        feedback = Feedback(redis, answers, settings.history_ttl)
        channels = settings.all_channels
        rooms = PipelineBuilder(settings, redis, models, asked, retriever, history, channels)
        # A run asks the model itself: it ends with the first failure, and is not spared what questions are.
        plain = Retriever(redis, models.indexing_embedder, settings.min_score)
        # Workers are reached through one server, and through nothing that stands for several.
        means = IndexDependencies(
            settings, redis, "" if address_of(url) else url, models.indexing_embedder, plain, models.tokens
        )

        yield Bot(
            settings=settings,
            redis=redis,
            embedder=models.embedder,
            chat=models.chat,
            retriever=retriever,
            asker=MeasuredAnswerer(RecordingAnswerer(rooms.asker(), answers)),
            visitors=rooms.visitors(),
            history=history,
            answers=answers,
            feedback=feedback,
            forgetting=PersonEraser(redis, history, answers, feedback),
            channels=channels,
            library=Catalog(redis),
            tokens=models.tokens,
            means=means,
            reindexer=_reindexer(means),
        )


def _reindexer(means: IndexDependencies) -> Reindexer:
    settings = means.settings

    async def work(order: ReindexRequest, tell: Tell) -> Report:
        # Parsers of pages and feeds take half a second to import, which no question should wait for.
        reading = await asyncio.to_thread(import_module, "bot.index_builder")
        about = {"sources": sources_digest(settings)}
        wish = ReindexOptions(settings.all_sources, order.source, order.dry_run, order.force, about)
        return cast("Report", await reading.read(means, wish, tell))

    names = [source.name for source in settings.all_sources]
    return Reindexer(means.redis, names, work, partial(roll_back_run, means.redis))


async def _redis_url(settings: Settings, stack: AsyncExitStack) -> str:
    if settings.redis_url:
        return settings.redis_url.get_secret_value()
    return await asyncio.to_thread(stack.enter_context, embedded_redis(settings.data_dir))


async def _redis(url: str, stack: AsyncExitStack) -> Redis:
    try:
        redis = connect(url)
    except ValueError:
        # Its words may hold the address, and that holds a password.
        form = "redis://user:password@host:6379, redis+cluster://host:6379,… or redis+sentinel://host:26379,…/name"
        raise StartupError(Problem("REDIS_URL is no address.", f"Its form is {form}.")) from None
    stack.push_async_callback(redis.aclose)
    problems = await check_server(redis)
    if problems:
        raise StartupError(*problems)
    return redis
