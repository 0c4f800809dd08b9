"""A loopback OpenAI: chat completions and embeddings with the service's rules, and scripted faults."""

from tests.servers.openai.replies import (
    Broken,
    ContentFilter,
    ContextTooLong,
    Deltas,
    EmbeddingReply,
    Empty,
    Garbage,
    NaN,
    Refusal,
    Reply,
    Shuffled,
    Silence,
    Stall,
    Text,
    TooFew,
    Truncated,
    Unnumbered,
    WrongLength,
)
from tests.servers.openai.rules import ChatRequest
from tests.servers.openai.server import FIRST_PASSAGE, OpenAIServer, quote_first_passage
from tests.servers.openai.text import count_tokens, embed

__all__ = [
    "FIRST_PASSAGE",
    "Broken",
    "ChatRequest",
    "ContentFilter",
    "ContextTooLong",
    "Deltas",
    "EmbeddingReply",
    "Empty",
    "Garbage",
    "NaN",
    "OpenAIServer",
    "Refusal",
    "Reply",
    "Shuffled",
    "Silence",
    "Stall",
    "Text",
    "TooFew",
    "Truncated",
    "Unnumbered",
    "WrongLength",
    "count_tokens",
    "embed",
    "quote_first_passage",
]
