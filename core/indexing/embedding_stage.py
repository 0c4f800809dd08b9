"""Write passages into a draft, with vectors that are known already where possible."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from core.domain import Passage
from core.index.draft import Draft
from core.index.schema import digest_of
from core.index.version import PostRecord
from core.indexing.progress import RunCounters
from core.models.protocols import Embedder, Vectors
from core.tokens import TokenCounter

BATCH_SIZE = 64
"""Texts that are embedded, and stored, together."""

DRAIN_TIMEOUT = timedelta(seconds=10)

EmbeddingBatch = Sequence[Sequence[Passage]]
"""Passages to embed together, grouped by text: each group needs one vector."""

EmbedInto = Callable[[Draft, EmbeddingBatch], Awaitable[None]]


async def embed_into(draft: Draft, embedder: Embedder, batch: EmbeddingBatch) -> None:
    """Embed passages and write them into a draft. Raises what the embedder raises."""
    vectors = await embedder.embed([group[0].embedding_text for group in batch])
    rows = [row for row, group in enumerate(batch) for _ in group]
    await draft.stage([passage for group in batch for passage in group], vectors[rows])


@dataclass(frozen=True, slots=True)
class ParsedPost:
    """A post whose passages belong in the draft."""

    url: str
    passages: tuple[Passage, ...]
    record: PostRecord


@dataclass(frozen=True, slots=True)
class PreparedPost:
    """A parsed post with the `vectors` that are known already, by text digest."""

    post: ParsedPost
    vectors: dict[str, Vectors]


class EmbeddingStage:
    """Embeds no text twice: every vector is stored as it arrives, even if the run ends early."""

    def __init__(self, draft: Draft, embed_into: EmbedInto, tokens: TokenCounter, counters: RunCounters) -> None:
        self._draft = draft
        self._embed_into = embed_into
        self._tokens = tokens
        self._counters = counters
        self._pending: set[asyncio.Task[None]] = set()

    async def prepare(self, posts: Sequence[ParsedPost]) -> list[PreparedPost]:
        """Look up known vectors and count the rest; write nothing."""
        digests = [[digest_of(passage) for passage in post.passages] for post in posts]
        known = await self._draft.known_vectors(list({digest for each in digests for digest in each}))
        prepared = []
        for post, each in zip(posts, digests, strict=True):
            vectors = {digest: known[digest] for digest in each if digest in known}
            missing = [passage for passage, digest in zip(post.passages, each, strict=True) if digest not in vectors]
            self._counters.add("reused", len(post.passages) - len(missing))
            self._counters.add("to_embed", len(missing))
            self._counters.add("tokens", sum(self._tokens(passage.embedding_text) for passage in missing))
            prepared.append(PreparedPost(post, vectors))
        return prepared

    async def write(self, posts: Sequence[PreparedPost]) -> None:
        """Write posts into the draft, embedding what lacks a vector.

        Raises what the embedder raises, after all pending requests have finished.
        """
        missing: dict[str, list[Passage]] = {}
        for prepared in posts:
            passages, vectors = prepared.post.passages, prepared.vectors
            known = [passage for passage in passages if digest_of(passage) in vectors]
            if known:
                await self._draft.stage(known, np.stack([vectors[digest_of(passage)] for passage in known]))
            for passage in passages:
                if (digest := digest_of(passage)) not in vectors:
                    missing.setdefault(digest, []).append(passage)
        groups = list(missing.values())
        batches = [groups[start : start + BATCH_SIZE] for start in range(0, len(groups), BATCH_SIZE)]
        outcomes = await asyncio.shield(asyncio.gather(*map(self._start, batches), return_exceptions=True))
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        await self._draft.write_records({prepared.post.url: prepared.post.record for prepared in posts})

    async def drain(self) -> None:
        """Wait for pending embedding requests, at most `DRAIN_TIMEOUT`."""
        if self._pending:
            await asyncio.wait(self._pending, timeout=DRAIN_TIMEOUT.total_seconds())

    def _start(self, batch: EmbeddingBatch) -> asyncio.Task[None]:
        task = asyncio.create_task(self._embed(batch))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)
        return task

    async def _embed(self, batch: EmbeddingBatch) -> None:
        await self._embed_into(self._draft, batch)
        self._counters.add("embedded", sum(map(len, batch)))
