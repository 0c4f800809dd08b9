"""Write passages into a draft, with vectors that are known already where possible."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from core.domain import Passage
from core.index.draft import Draft
from core.index.schema import digest_of
from core.index.version import PostRecord
from core.indexing.progress import RunCounters
from core.models.protocols import Embedder, PartlyEmbeddedError, Vectors
from core.tokens import TokenCounter

BATCH_SIZE = 64
"""Texts that are embedded, and stored, together."""

DRAIN_TIMEOUT = timedelta(seconds=10)

EmbeddingBatch = Sequence[Sequence[Passage]]
"""Passages to embed together, grouped by text: each group needs one vector."""

EmbedFailures = Mapping[str, str]
"""Causes by digest of the texts that the model has no vector for."""

EmbedInto = Callable[[Draft, EmbeddingBatch], Awaitable[EmbedFailures]]


async def embed_into(draft: Draft, embedder: Embedder, batch: EmbeddingBatch) -> EmbedFailures:
    """Embed passages and write them into a draft; return what failed. Raises what the embedder raises."""
    failures: Mapping[int, str] = {}
    try:
        vectors = await embedder.embed([group[0].embedding_text for group in batch])
    except PartlyEmbeddedError as error:
        vectors, failures = error.vectors, error.failures
    rows = [row for row, group in enumerate(batch) if row not in failures for _ in group]
    passages = [passage for row, group in enumerate(batch) if row not in failures for passage in group]
    await draft.stage(passages, vectors[rows])
    return {digest_of(batch[row][0]): cause for row, cause in failures.items()}


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
    """Embeds no text twice: every vector is stored as it arrives, even if the run ends early.

    `on_failure` is called for each post with a text that the model has no vector for, and with the cause.
    """

    def __init__(
        self,
        draft: Draft,
        embed_into: EmbedInto,
        tokens: TokenCounter,
        counters: RunCounters,
        on_failure: Callable[[ParsedPost, str], None],
    ) -> None:
        self._draft = draft
        self._embed_into = embed_into
        self._tokens = tokens
        self._counters = counters
        self._on_failure = on_failure
        self._pending: set[asyncio.Task[EmbedFailures]] = set()

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
        failures = await self._embed_all(list(missing.values()))
        records: dict[str, PostRecord] = {}
        for post in (prepared.post for prepared in posts):
            cause = next((failures[digest] for digest in map(digest_of, post.passages) if digest in failures), None)
            if cause is None:
                records[post.url] = post.record
            else:
                self._on_failure(post, cause)
        await self._draft.write_records(records)

    async def _embed_all(self, groups: Sequence[Sequence[Passage]]) -> EmbedFailures:
        batches = [groups[start : start + BATCH_SIZE] for start in range(0, len(groups), BATCH_SIZE)]
        outcomes = await asyncio.shield(asyncio.gather(*map(self._start, batches), return_exceptions=True))
        failures: dict[str, str] = {}
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            failures |= outcome
        return failures

    async def drain(self) -> None:
        """Wait for pending embedding requests, at most `DRAIN_TIMEOUT`."""
        if self._pending:
            await asyncio.wait(self._pending, timeout=DRAIN_TIMEOUT.total_seconds())

    def _start(self, batch: EmbeddingBatch) -> asyncio.Task[EmbedFailures]:
        task = asyncio.create_task(self._embed(batch))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)
        return task

    async def _embed(self, batch: EmbeddingBatch) -> EmbedFailures:
        failures = await self._embed_into(self._draft, batch)
        failed = sum(len(group) for group in batch if digest_of(group[0]) in failures)
        self._counters.add("to_embed", -failed)
        self._counters.add("embedded", sum(map(len, batch)) - failed)
        return failures
