"""A run of reindexing: bring the edition that is answered from up to date with the sources."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from datetime import timedelta
from functools import partial
from time import perf_counter

import structlog
from redis.asyncio import Redis

from core.knowledge.calibrating import calibrate
from core.knowledge.edition import Edition, begin, current, drop, publish, sweep
from core.knowledge.retriever import Retriever
from core.knowledge.schema import Algorithm, Precision, Shape
from core.models.protocols import Embedder
from core.reading.fetcher import Fetcher
from core.reindexing.holding import first_of
from core.reindexing.pipeline import Pipeline
from core.reindexing.progress import Report
from core.reindexing.tally import Tally, Tell
from core.repeating import repeating
from core.tokens import Tokens
from core.vocabulary import Source

log = structlog.get_logger()

CALIBRATE_AFTER = timedelta(seconds=2)
CALIBRATE_LESS = 4.0
"""A first edition is asked while it still fills: it is calibrated after 2 s, and after ever longer pauses."""


class Reindexing:
    """One run at a time, in any process.

    With another embedding model, dimension or precision than the edition has, all is read into a new edition, which
    takes the old one's place when it is whole.
    """

    def __init__(
        self,
        redis: Redis,
        embedder: Embedder,
        retriever: Retriever,
        fetcher: Fetcher,
        tokens: Tokens,
        precision: Precision = "FLOAT32",
        algorithm: Algorithm | None = None,
    ) -> None:
        self._redis = redis
        self._embedder = embedder
        self._retriever = retriever
        self._fetcher = fetcher
        self._tokens = tokens
        self._precision = precision
        self._algorithm = algorithm

    async def run(self, sources: Sequence[Source], tell: Tell) -> Report:
        """Raises what the embedder and Redis raise; what was written until then stays."""
        try:
            return await self._run(sources, tell)
        except* Exception as group:
            raise first_of(group) from group

    async def _run(self, sources: Sequence[Source], tell: Tell) -> Report:
        shape = Shape(self._embedder.name, await self._embedder.dimensions(), self._precision)
        live = await current(self._redis)
        await sweep(self._redis, live)
        if live is not None and live.shape == shape:
            return await self._fill(live, sources, tell)
        edition = await begin(self._redis, shape, self._algorithm or "FLAT")
        if live is None:
            # Nothing answers yet: what is read can be asked about at once.
            await publish(self._redis, edition)
            calibrated = partial(calibrate, self._retriever, edition)
            calibrating = repeating(calibrated, every=CALIBRATE_AFTER, growing=CALIBRATE_LESS)
            return await self._fill(edition, sources, tell, beside=calibrating)
        report = await self._fill(edition, sources, tell)
        await publish(self._redis, edition)
        await drop(self._redis, live.number)
        return replace(report, rebuilt=True)

    async def _fill(
        self,
        edition: Edition,
        sources: Sequence[Source],
        tell: Tell,
        beside: AbstractAsyncContextManager[None] | None = None,
    ) -> Report:
        """Reads the sources into an edition. What is done `beside` ends before the index may be changed for another."""
        began = perf_counter()
        tally = Tally(tell)
        ledger = await edition.ledger()
        async with beside or nullcontext():
            await Pipeline(edition, ledger, self._embedder, self._fetcher, self._tokens, tally).run(sources)
        await edition.settled()
        await edition.fit_algorithm(self._algorithm)
        progress = tally.progress
        if progress.embedded or progress.removed:
            await calibrate(self._retriever, edition)
        log.info(
            "sources were read",
            new=progress.new,
            changed=progress.changed,
            unchanged=progress.unchanged,
            removed=progress.removed,
            failures=len(tally.failures),
            seconds=round(perf_counter() - began, 1),
        )
        return Report(progress, perf_counter() - began, tuple(tally.failures))
