"""Which piece stands behind which."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version

import aiohttp
from openai import AsyncOpenAI
from redis.asyncio import Redis

from bot.embedded_redis import embedded_redis
from bot.settings import Settings
from core.answering.answerer import Answerer, Limits
from core.answering.limiting import Allowance, Limiting
from core.answering.prompting import PERSONA, Instructions
from core.answering.remembering import Remembering
from core.asking import Asker
from core.errors import NotReady, Problem
from core.knowledge.edition import current, facts_of
from core.knowledge.library import Library
from core.knowledge.retriever import Retriever
from core.knowledge.schema import Algorithm, Precision, Shape
from core.memory.connection import connect, examine
from core.memory.history import History
from core.memory.quota import Quota
from core.models import offline_embedder
from core.models.extracting import ExtractingModel
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_chat import OpenAIChat
from core.models.openai_client import azure_client, openai_client
from core.models.openai_embedder import OpenAIEmbedder
from core.models.protocols import ChatModel, Embedder
from core.reading.fetcher import USER_AGENT, Fetcher
from core.reindexing.progress import Report, Tell
from core.reindexing.run import Reindexing
from core.tokens import ModelTokens, Tokens, estimate

VERSION = version("footnoted")


@dataclass(frozen=True, slots=True)
class Models:
    """The embedder and the chat model that belong together, and the counter of tokens for both."""

    embedder: Embedder
    chat: ChatModel
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Bot:
    """Everything a command needs."""

    settings: Settings
    redis: Redis
    embedder: Embedder
    chat: ChatModel
    retriever: Retriever
    asker: Asker
    history: History
    library: Library
    reindexing: Reindexing

    async def reason_to_read(self) -> str:
        """Why the sources have to be read before questions are answered well; nothing when they need not be."""
        edition = await current(self.redis)
        if edition is None:
            return "nothing has been read yet"
        if edition.shape != await self._shape():
            return f"the posts were read with another embedding model ({edition.shape.model})"
        if (await facts_of(self.redis, edition.number)).get("sources") != self._sources_digest():
            return "the sources are not those that were read last"
        return ""

    async def read(self, tell: Tell) -> Report:
        """Reads all sources, and remembers which they were. Raises what `Reindexing.run` raises."""
        report = await self.reindexing.run(self.settings.all_sources, tell)
        edition = await current(self.redis)
        if edition is not None:
            await edition.describe({"sources": self._sources_digest()})
        return report

    async def _shape(self) -> Shape:
        return Shape(self.embedder.name, await self.embedder.dimensions(), _precision(self.settings))

    def _sources_digest(self) -> str:
        # The manual changes with the version.
        return hashlib.sha256(f"{self.settings.all_sources} {VERSION}".encode()).hexdigest()


@asynccontextmanager
async def wired(settings: Settings) -> AsyncGenerator[Bot, None]:
    """The bot, for as long as the block lasts. Raises NotReady when Redis or a model's package is not what it needs."""
    async with AsyncExitStack() as stack:
        redis = await _redis(settings, stack)
        models = await _models(settings, stack)
        retriever = Retriever(redis, models.embedder, settings.min_score)
        history = History(redis, settings.history_turns, settings.history_ttl)
        answerer = Answerer(
            retriever,
            models.chat,
            Instructions(settings.system_prompt or PERSONA, settings.answer_beyond_sources),
            Limits(context=settings.context_tokens, top_k=settings.top_k),
            models.tokens,
        )
        allowance = Allowance(settings.questions_per_minute, settings.channel_questions_per_minute)
        session = await stack.enter_async_context(_session())
        yield Bot(
            settings=settings,
            redis=redis,
            embedder=models.embedder,
            chat=models.chat,
            retriever=retriever,
            asker=Limiting(Remembering(answerer, history), Quota(redis), allowance),
            history=history,
            library=Library(redis),
            reindexing=Reindexing(
                redis,
                models.embedder,
                retriever,
                Fetcher(session),
                models.tokens,
                _precision(settings),
                _algorithm(settings),
            ),
        )


async def _redis(settings: Settings, stack: AsyncExitStack) -> Redis:
    if settings.redis_url:
        url = settings.redis_url.get_secret_value()
    else:
        url = await asyncio.to_thread(stack.enter_context, embedded_redis(settings.data_dir))
    try:
        redis = connect(url)
    except ValueError:
        # Its words may hold the address, and that holds a password.
        raise NotReady(Problem("REDIS_URL is no address.", "Its form is redis://user:password@host:6379.")) from None
    stack.push_async_callback(redis.aclose)
    problems = await examine(redis)
    if problems:
        raise NotReady(*problems)
    return redis


async def _models(settings: Settings, stack: AsyncExitStack) -> Models:
    if settings.offline:
        if not offline_embedder.installed():
            raise NotReady(
                Problem(
                    "There is no OPENAI_API_KEY, and the extra `offline` is not installed.", "Set one, or install it."
                )
            )
        embedder = await asyncio.to_thread(OfflineEmbedder)
        return Models(embedder, ExtractingModel(embedder), estimate)
    client = await asyncio.to_thread(_client, settings)
    stack.push_async_callback(client.close)
    tokens = ModelTokens(settings.chat_model)
    loading = asyncio.create_task(asyncio.to_thread(tokens.load))
    stack.callback(loading.cancel)
    return Models(
        OpenAIEmbedder(client, settings.embedding_model, tokens, settings.embedding_dimensions),
        OpenAIChat(client, settings.chat_model, settings.temperature),
        tokens,
    )


def _client(settings: Settings) -> AsyncOpenAI:
    if settings.azure_openai_endpoint and settings.azure_openai_api_key and settings.openai_api_version:
        return azure_client(
            settings.azure_openai_endpoint,
            settings.azure_openai_api_key.get_secret_value(),
            settings.openai_api_version,
        )
    key = settings.openai_api_key
    return openai_client(key.get_secret_value() if key else None, settings.openai_base_url)


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(headers={"User-Agent": USER_AGENT.format(version=VERSION)})


def _precision(settings: Settings) -> Precision:
    return "FLOAT16" if settings.vector_precision == "float16" else "FLOAT32"


def _algorithm(settings: Settings) -> Algorithm | None:
    match settings.vector_index:
        case "flat":
            return "FLAT"
        case "hnsw":
            return "HNSW"
        case "auto":
            return None
