"""A run of reindexing: make an edition of what the sources have now, and have it answered from when it is whole."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace

import structlog
from redis.asyncio import Redis

from core.errors import EmbeddingMismatchError, PublicationRefusedError
from core.index.draft import begin_draft, find_draft
from core.index.in_place import apply_in_place, fits_in_place
from core.index.publication import Change, build_version, delete_draft, delete_stale_versions, publish
from core.index.schema import Algorithm, Precision
from core.index.version import (
    IndexVersion,
    Listing,
    PostRecord,
    choose_algorithm,
    live_version,
    read_metadata,
    vector_spec_for,
)
from core.indexing.change_tracker import ChangeTracker
from core.indexing.counters import RunCounters
from core.indexing.embedding_stage import EmbeddingStage, ParsedPost
from core.indexing.executors import TaskExecutor
from core.indexing.lister import Lister
from core.indexing.options import ReindexOptions
from core.indexing.pipeline import Pipeline, Stages, unchanged_posts
from core.indexing.progress import Outcome, Plan, Report
from core.indexing.reader import Reader
from core.indexing.run_events import RunPlanned, Tell
from core.indexing.run_lock import first_of
from core.ingestion.fetcher import Fetcher
from core.models.prices import dollars
from core.models.protocols import Embedder
from core.retrieval.calibration import calibrate, recalibrate_after_drift
from core.retrieval.retriever import Retriever
from core.storage import keys
from core.storage.topology import is_cluster
from core.tokens import TokenCounter

log = structlog.get_logger()

SPEED = 300.0
"""Passages that are embedded in a second, as long as nobody has measured it."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a run works with."""

    redis: Redis
    embedder: Embedder
    retriever: Retriever
    fetcher: Fetcher
    hands: TaskExecutor
    tokens: TokenCounter
    precision: Precision = "FLOAT32"
    algorithm: Algorithm | None = None


class ReindexJob:
    """One run.

    With another embedding model, dimension or precision than the live edition has, all of it is embedded anew, into an
    edition beside it.
    """

    def __init__(self, needs: Needs, wish: ReindexOptions, tell: Tell) -> None:
        self._needs = needs
        self._redis = needs.redis
        self._wish = wish
        self._tell = tell

    async def run(self) -> Report:
        """Raises PublicationRefusedError, and what the embedder and Redis raise: what is answered from stays as it
        was then, and
        what was embedded is kept for the next run."""
        try:
            return await self._run()
        except* Exception as group:
            error = first_of(group)
            raise (
                PublicationRefusedError(str(error)) if isinstance(error, EmbeddingMismatchError) else error
            ) from group

    async def _run(self) -> Report:
        needs, wish = self._needs, self._wish
        self._before = await known_before(self._redis)
        shape = await vector_spec_for(needs.embedder, needs.precision, self._before.live)
        self._rebuilds = self._before.live is not None and self._before.live.vector_spec != shape
        self._draft = await (find_draft if wish.dry_run else begin_draft)(self._redis, shape)
        self._tally = RunCounters(self._tell, self._before.speed)
        self._book = ChangeTracker(self._before.ledger)
        self._lister = Lister(self._book, self._before.listings, wish.sources, needs.fetcher, self._tally)
        stages = Stages(
            self._lister,
            Reader(self._book, self._lister, needs.fetcher, needs.hands, self._tally),
            EmbeddingStage(self._draft, needs.hands.embed_into, needs.tokens, self._tally),
            self._tally,
            self._planned,
            writing=not wish.dry_run,
        )
        await Pipeline(stages).run(wish.wanted, self._more)
        if wish.dry_run:
            return self._report("planned")
        return await self._publish()

    async def _more(self) -> AsyncGenerator[ParsedPost, None]:
        """What is to be embedded beside what has changed: with another model, posts that stay."""
        self._book.remove_unlisted(self._lister.complete, None if self._wish.only else self._wish.names)
        self._tally.removed(len(self._book.diff().removed))
        if self._rebuilds and self._before.live:
            async with aclosing(unchanged_posts(self._before.live, self._book.change().kept)) as posts:
                async for post in posts:
                    yield post

    def _planned(self) -> None:
        progress = self._tally.progress
        self._tell(
            RunPlanned(
                Plan(
                    new=progress.new,
                    changed=progress.changed,
                    gone=progress.removed,
                    unchanged=progress.unchanged,
                    failed=progress.failed,
                    passages=progress.to_embed,
                    tokens=progress.tokens,
                    dollars=dollars(self._needs.embedder.name, progress.tokens),
                    seconds=round(self._tally.seconds_to_embed, 1),
                    model=self._needs.embedder.name,
                    rebuilds=self._rebuilds,
                    diff=self._book.diff(),
                    failures=tuple(self._tally.failures),
                )
            )
        )
        if not (self._wish.dry_run or self._wish.force):
            self._check_size()

    def _check_size(self) -> None:
        """Raises PublicationRefusedError when more than half of the posts would go that sources of the settings had."""
        names, change = self._wish.names, self._book.change()
        before = sum(record.source in names for record in self._before.ledger.values())
        left = sum(record.source in names for record in (*change.kept.values(), *change.upserted.values()))
        if 2 * left < before:
            raise PublicationRefusedError(
                f"of {before} posts only {left} would be left; order it with `force` if that is right"
            )

    async def _publish(self) -> Report:
        live, change = self._before.live, self._change()
        if not (change.upserted or change.removed):
            await delete_draft(self._redis, self._draft)
            if live:
                await self._note(live, change)
            return self._report("unchanged")
        algorithm = choose_algorithm(change.passages, self._needs.algorithm)
        if live and self._fits_in(live, change, algorithm):
            await apply_in_place(self._redis, self._draft, live, change)
            await self._note(live, change)
            await recalibrate_after_drift(self._redis, self._needs.retriever, live, change)
        else:
            edition = await build_version(self._redis, self._draft, live, change, algorithm)
            await calibrate(self._redis, self._needs.retriever, edition, live)
            await edition.set_metadata({**self._before.about, **self._about()})
            await publish(self._redis, edition)
        await delete_stale_versions(self._redis)
        return self._report("published")

    def _fits_in(self, live: IndexVersion, change: Change, algorithm: Algorithm) -> bool:
        # In place means in one transaction, which a cluster has only within a slot.
        small = not self._rebuilds and not is_cluster(self._redis) and fits_in_place(change, self._before.ledger)
        return small and live.index == keys.index(live.number, algorithm)

    def _change(self) -> Change:
        """What has to be published; with another model that is everything, since nothing can be copied."""
        change = self._book.change()
        listings = self._lister.listings(removed=bool(change.removed))
        if self._rebuilds:
            return Change({}, {**change.kept, **change.upserted}, change.removed, listings)
        return replace(change, listings=listings)

    async def _note(self, live: IndexVersion, change: Change) -> None:
        """Writes down what was learnt of posts that stay, and fits the index. Not before what has changed is safe: what
        a server says of its state would else hide it from the next run."""
        ledger = self._before.ledger
        await live.write_records({url: record for url, record in change.kept.items() if record != ledger[url]})
        await live.replace_listings(change.listings)
        await live.set_metadata(self._about())
        await live.fit_algorithm(self._needs.algorithm)

    def _about(self) -> dict[str, str]:
        facts = {"speed": f"{self._tally.speed:.1f}"}
        return facts if self._wish.only else {**facts, **self._wish.about}

    def _report(self, outcome: Outcome) -> Report:
        change = self._book.change()
        report = Report(
            self._tally.progress,
            self._tally.seconds,
            tuple(self._tally.failures),
            rebuilt=self._rebuilds and outcome == "published",
            outcome=outcome,
            diff=self._book.diff(),
            posts=len(change.kept) + len(change.upserted),
        )
        progress = report.progress
        log.info(
            "sources were read",
            outcome=outcome,
            new=progress.new,
            changed=progress.changed,
            unchanged=progress.unchanged,
            removed=progress.removed,
            failures=len(report.failures),
            seconds=round(report.seconds, 1),
        )
        return report


@dataclass(frozen=True, slots=True)
class Before:
    """What there was when a run began."""

    live: IndexVersion | None
    ledger: Mapping[str, PostRecord]
    listings: Mapping[str, Listing]
    facts: Mapping[str, str]

    @property
    def speed(self) -> float:
        return float(self.facts.get("speed", SPEED))

    @property
    def about(self) -> dict[str, str]:
        """What stays true of an edition whatever is in it."""
        return {"sources": self.facts["sources"]} if "sources" in self.facts else {}


async def known_before(redis: Redis) -> Before:
    """What the live edition says. Posts whose passages are not all there are not believed, and read anew."""
    live = await live_version(redis)
    if live is None:
        return Before(None, {}, {}, {})
    ledger = await live.ledger()
    lost = await live.posts_with_missing_passages(ledger)
    if lost:
        log.warning("passages are missing in Redis; their posts are read anew", posts=len(lost))
    believed = {url: record for url, record in ledger.items() if url not in lost}
    return Before(live, believed, {} if lost else await live.listings(), await read_metadata(redis, live.number))
