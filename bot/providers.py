"""Which models stand behind the answers: those of a server, or the offline ones."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from bot.config.settings import Settings
from core.models.protocols import ChatModel, Embedder
from core.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Models:
    """The models in use, and the token counter of the chat model. `indexing_embedder` retries for longer: nobody waits
    for a reindex run by the second."""

    embedder: Embedder
    indexing_embedder: Embedder
    chat: ChatModel
    tokens: Tokens


Build = Callable[[Settings, AsyncExitStack], Awaitable[Models]]


async def build_models(settings: Settings, stack: AsyncExitStack) -> Models:
    """The models of the settings; the stack closes them. Raises StartupError when a package that they need is missing.

    Of the two modules only one is imported: the OpenAI SDK alone takes a second and 60 MB, which is not to be waited
    for by those who do not use it.
    """
    module = await asyncio.to_thread(import_module, "bot.offline_models" if settings.offline else "bot.online_models")
    return await cast("Build", module.build)(settings, stack)
