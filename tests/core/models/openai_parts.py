"""Real clients of the loopback OpenAI, and prompts for its models."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from openai import AsyncOpenAI

from core.domain import Passage, Question, Turn
from core.models.openai_client import openai_client
from core.models.protocols import ChatModel, NumberedPassage, Prompt
from core.tokens import estimate_tokens
from tests.servers.openai import OpenAIServer

tokens = estimate_tokens

HIVES = Passage("https://blog/bees", "Bees", "Winter", "Bees shiver in winter. They eat twenty kilograms of honey.")
PROMPT = Prompt(
    "Answer from the passages.",
    (Turn("user", "Hello?"), Turn("assistant", "Hello.")),
    f"Passages:\n\n[1] {HIVES.text}\n\nQuestion: What do bees eat in winter?",
    Question("What do bees eat in winter?"),
    (NumberedPassage(1, HIVES, 0.9),),
)


@asynccontextmanager
async def client_of(server: OpenAIServer, key: str | None = "key") -> AsyncIterator[AsyncOpenAI]:
    """The product's own client, talking to the server."""
    # It reads certificates from files.
    async with await asyncio.to_thread(openai_client, key, server.base_url) as client:
        yield client


async def written(model: ChatModel, prompt: Prompt = PROMPT) -> str:
    """All that a model writes."""
    async with aclosing(model.stream(prompt)) as pieces:
        return "".join([piece async for piece in pieces])
