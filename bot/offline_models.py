"""The models that need no key and no network."""

import asyncio
from contextlib import AsyncExitStack

from bot.config.settings import Settings
from bot.providers import Models
from core.errors import Problem, StartupError
from core.models.extractive_chat import ExtractiveChatModel
from core.models.offline_embedder import OfflineEmbedder, installed
from core.tokens import estimate_tokens


async def build(settings: Settings, stack: AsyncExitStack) -> Models:
    """Loads the embedder's weights from its wheel, in a thread. Raises StartupError without that wheel."""
    if not installed():
        raise StartupError(
            Problem("There is no OPENAI_API_KEY, and the extra `offline` is not installed.", "Set one, or install it.")
        )
    embedder = await asyncio.to_thread(OfflineEmbedder)
    return Models(embedder, embedder, ExtractiveChatModel(embedder), estimate_tokens)
