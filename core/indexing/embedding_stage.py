"""Passages into a draft: with vectors that were paid for before where there are some, else with new ones."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from core.domain import Passage
from core.index.draft import Draft
from core.index.schema import digest_of
from core.index.version import PostRecord
from core.indexing.counters import RunCounters
from core.models.protocols import Embedder, Vectors
from core.tokens import TokenCounter

TEXTS_AT_ONCE = 64
"""What is asked of the embedding model in one piece, and kept as soon as it comes."""

FINISH_WITHIN = timedelta(seconds=10)

Piece = Sequence[Sequence[Passage]]
"""Passages that are embedded together; those with the same text stand together."""

EmbedInto = Callable[[Draft, Piece], Awaitable[None]]


async def embed_into(draft: Draft, embedder: Embedder, piece: Piece) -> None:
    """Puts passages with their vectors into a draft. Raises what the embedder raises."""
    vectors = await embedder.embed([same[0].embedding_text for same in piece])
    rows = [row for row, same in enumerate(piece) for _ in same]
    await draft.stage([passage for same in piece for passage in same], vectors[rows])


@dataclass(frozen=True, slots=True)
class ParsedPost:
    """A post whose passages belong into the draft."""

    url: str
    passages: tuple[Passage, ...]
    record: PostRecord


@dataclass(frozen=True, slots=True)
class PreparedPost:
    """A post whose passages have been looked up: `vectors` has those that there are, by the digests of their texts."""

    fresh: ParsedPost
    vectors: dict[str, Vectors]


class EmbeddingStage:
    """No vector is paid for twice: whatever comes is in the draft at once, and what has been asked for is waited for,
    also when the run ends before its time."""

    def __init__(self, draft: Draft, embed_into: EmbedInto, tokens: TokenCounter, tally: RunCounters) -> None:
        self._draft = draft
        self._embed_into = embed_into
        self._tokens = tokens
        self._tally = tally
        self._asked: set[asyncio.Task[None]] = set()

    async def count(self, posts: Sequence[ParsedPost]) -> list[PreparedPost]:
        """Looks up which passages have a vector; nothing is written."""
        digests = [[digest_of(passage) for passage in fresh.passages] for fresh in posts]
        known = await self._draft.known_vectors(list({digest for each in digests for digest in each}))
        counted = []
        for fresh, each in zip(posts, digests, strict=True):
            found = {digest: known[digest] for digest in each if digest in known}
            missing = [passage for passage, digest in zip(fresh.passages, each, strict=True) if digest not in found]
            self._tally.add("reused", len(fresh.passages) - len(missing))
            self._tally.add("to_embed", len(missing))
            self._tally.add("tokens", sum(self._tokens(passage.embedding_text) for passage in missing))
            counted.append(PreparedPost(fresh, found))
        return counted

    async def write(self, posts: Sequence[PreparedPost]) -> None:
        """Puts posts into the draft. Raises what the embedder raises, after everything else that was asked has come."""
        lacking: dict[str, list[Passage]] = {}
        for post in posts:
            having = [passage for passage in post.fresh.passages if digest_of(passage) in post.vectors]
            if having:
                await self._draft.stage(having, np.stack([post.vectors[digest_of(passage)] for passage in having]))
            for passage in post.fresh.passages:
                if (digest := digest_of(passage)) not in post.vectors:
                    lacking.setdefault(digest, []).append(passage)
        texts = list(lacking.values())
        pieces = [texts[start : start + TEXTS_AT_ONCE] for start in range(0, len(texts), TEXTS_AT_ONCE)]
        outcomes = await asyncio.shield(asyncio.gather(*map(self._ask, pieces), return_exceptions=True))
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        await self._draft.write_records({post.fresh.url: post.fresh.record for post in posts})

    def _ask(self, piece: Piece) -> asyncio.Task[None]:
        task = asyncio.create_task(self._embed(piece))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        return task

    async def _embed(self, piece: Piece) -> None:
        await self._embed_into(self._draft, piece)
        self._tally.add("embedded", sum(map(len, piece)))

    async def finish(self) -> None:
        """Waits for what has been asked of the embedding model, for some seconds."""
        if self._asked:
            await asyncio.wait(self._asked, timeout=FINISH_WITHIN.total_seconds())
        for task in list(self._asked):
            task.cancel()
