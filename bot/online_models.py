"""The models of OpenAI, of Azure OpenAI, or of any server that speaks the same protocol."""

import asyncio
from contextlib import AsyncExitStack

from openai import AsyncOpenAI

from bot.config.settings import Settings
from bot.providers import Models
from core.models.openai_chat import OpenAIChatModel
from core.models.openai_client import azure_client, openai_client
from core.models.openai_embedder import OpenAIEmbedder
from core.models.retrying_embedder import RetryingEmbedder
from core.tokens import ModelTokenCounter


async def build(settings: Settings, stack: AsyncExitStack) -> Models:
    """Asks nothing of the server yet; the tokenizer's vocabulary is brought in the background."""
    client = await asyncio.to_thread(_client, settings)
    stack.push_async_callback(client.close)
    tokens = ModelTokenCounter(settings.chat_model)
    loading = asyncio.create_task(asyncio.to_thread(tokens.load))
    stack.callback(loading.cancel)

    def embedder(client: AsyncOpenAI) -> OpenAIEmbedder:
        return OpenAIEmbedder(client, settings.embedding_model, tokens, settings.embedding_dimensions)

    return Models(
        embedder(client),
        RetryingEmbedder(embedder(client.with_options(max_retries=0))),
        OpenAIChatModel(client, settings.chat_model, settings.temperature),
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
