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

from bot.asking import Rooms
from bot.embedded_redis import embedded_redis
from bot.means import Means
from bot.models import build_models
from bot.settings import Settings
from core.answering.limiting import Visitors
from core.answering.measuring import Measuring
from core.answering.recording import Recording
from core.answering.scoping import Channels
from core.asking import Asker
from core.chatting.desk import Desk
from core.errors import ModelFailed, NotReady, Problem
from core.knowledge.edition import Edition, current, facts_of, shape_for
from core.knowledge.library import Library
from core.knowledge.retriever import Retriever
from core.memory.answers import Answers
from core.memory.connection import connect, examine
from core.memory.feedback import Feedback
from core.memory.forgetting import Forgetting
from core.memory.history import History
from core.memory.once import Once
from core.memory.replies import Replies
from core.memory.several import address_of
from core.models.breaker import Breaker
from core.models.protocols import ChatModel, Embedder
from core.models.sparing import SparingEmbedder
from core.reindexing.events import Ended, Progressed, Tell
from core.reindexing.going_back import go_back
from core.reindexing.progress import Progress, Report
from core.reindexing.reindexer import Order, Reindexer
from core.reindexing.wish import Wish
from core.tokens import Tokens
from core.vocabulary import Conversation, Person

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
    asker: Asker
    visitors: Visitors
    history: History
    answers: Answers
    feedback: Feedback
    forgetting: Forgetting
    channels: Channels
    library: Library
    tokens: Tokens
    means: Means
    reindexer: Reindexer

    def desk(self, platform: str) -> Desk:
        """What a chat platform asks of the house."""
        return Desk(
            asker=self.asker,
            channels=self.channels,
            library=self.library,
            history=self.history,
            answers=self.answers,
            feedback=self.feedback,
            once=Once(self.redis, platform),
            replies=Replies(self.redis, platform),
            reindexer=self.reindexer,
        )

    async def forget(self, place: Conversation) -> None:
        """Removes a conversation, and the questions that were asked in it."""
        await self.history.forget(place)
        await self.answers.forget(place)

    async def reason_to_read(self) -> str:
        """Why the sources have to be read before questions are answered well; nothing when they need not be."""
        edition = await current(self.redis)
        if edition is None:
            return "nothing has been read yet"
        if await self._embeds_otherwise(edition):
            return f"the posts were read with another embedding model ({edition.shape.model})"
        if (await facts_of(self.redis, edition.number)).get("sources") != sources_digest(self.settings):
            return "the sources are not those that were read last"
        return ""

    async def is_empty(self) -> bool:
        """Whether nothing has been read yet, or Redis has lost it."""
        return await current(self.redis) is None

    async def read(self, tell: Callable[[Progress], None]) -> Report:
        """Has all sources read, or watches whoever reads them. Raises what `Reindexer.reindex` raises."""
        async with aclosing(self.reindexer.reindex(Order(ITSELF))) as events:
            async for event in events:
                match event:
                    case Progressed():
                        tell(event.progress)
                    case Ended():
                        return event.report
        raise AssertionError("every stream ends with `Ended`")

    async def _embeds_otherwise(self, edition: Edition) -> bool:
        try:
            shape = await shape_for(self.embedder, self.settings.precision, edition)
        except ModelFailed as error:
            # It cannot be known, and what was read can be searched by words all the same.
            log.warning("the embedding model does not answer", error_id=error.id, cause=str(error))
            return False
        return shape != edition.shape


@asynccontextmanager
async def wired(settings: Settings) -> AsyncGenerator[Bot, None]:
    """The bot, for as long as the block lasts. Raises NotReady when Redis or a model's package is not what it needs."""
    async with AsyncExitStack() as stack:
        url = await _redis_url(settings, stack)
        redis = await _redis(url, stack)
        models = await build_models(settings, stack)
        asked = SparingEmbedder(models.embedder, Breaker("embedding model"))
        retriever = Retriever(redis, asked, settings.min_score)
        history = History(redis, settings.history_turns, settings.history_ttl)
        answers = Answers(redis, settings.history_ttl)
        feedback = Feedback(redis, answers, settings.history_ttl)
        channels = settings.all_channels
        rooms = Rooms(settings, redis, models, asked, retriever, history, channels)
        # A run asks the model itself: it ends with the first failure, and is not spared what questions are.
        plain = Retriever(redis, models.patient, settings.min_score)
        # Workers are reached through one server, and through nothing that stands for several.
        means = Means(settings, redis, "" if address_of(url) else url, models.patient, plain, models.tokens)

        yield Bot(
            settings=settings,
            redis=redis,
            embedder=models.embedder,
            chat=models.chat,
            retriever=retriever,
            asker=Measuring(Recording(rooms.asker(), answers)),
            visitors=rooms.visitors(),
            history=history,
            answers=answers,
            feedback=feedback,
            forgetting=Forgetting(redis, history, answers, feedback),
            channels=channels,
            library=Library(redis),
            tokens=models.tokens,
            means=means,
            reindexer=_reindexer(means),
        )


def _reindexer(means: Means) -> Reindexer:
    settings = means.settings

    async def work(order: Order, tell: Tell) -> Report:
        # Parsers of pages and feeds take half a second to import, which no question should wait for.
        reading = await asyncio.to_thread(import_module, "bot.reading")
        about = {"sources": sources_digest(settings)}
        wish = Wish(settings.all_sources, order.source, order.dry_run, order.force, about)
        return cast("Report", await reading.read(means, wish, tell))

    names = [source.name for source in settings.all_sources]
    return Reindexer(means.redis, names, work, partial(go_back, means.redis))


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
        raise NotReady(Problem("REDIS_URL is no address.", f"Its form is {form}.")) from None
    stack.push_async_callback(redis.aclose)
    problems = await examine(redis)
    if problems:
        raise NotReady(*problems)
    return redis
