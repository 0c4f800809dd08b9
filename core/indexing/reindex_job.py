"""The job of a run: build a draft of what the sources have now, and publish it once it is complete."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import structlog
from redis.asyncio import Redis

from core.errors import EmbeddingMismatchError, PublicationRefusedError
from core.exception_groups import first_error
from core.index.draft import Draft, begin_draft, find_draft
from core.index.in_place import apply_in_place, fits_in_place
from core.index.publication import Change, build_version, delete_draft, delete_stale_versions, publish
from core.index.schema import Algorithm
from core.index.upgrade import needs_upgrade, upgrade
from core.index.version import (
    IndexVersion,
    Listing,
    PostRecord,
    choose_algorithm,
    read_live,
    read_metadata,
    vector_spec_for,
)
from core.indexing.change_tracker import ChangeTracker
from core.indexing.embedding_stage import EmbeddingStage, ParsedPost
from core.indexing.executors import TaskExecutor
from core.indexing.lister import Lister
from core.indexing.options import IndexDependencies, ReindexOptions
from core.indexing.pipeline import Pipeline, unchanged_posts
from core.indexing.progress import Failure, Outcome, Plan, Progress, Report, RunCounters
from core.indexing.reader import Reader
from core.indexing.run_events import Emit, RunPlanned, RunProgressed
from core.ingestion.fetcher import Fetcher
from core.models.prices import dollars
from core.retrieval.calibration import calibrate, recalibrate_after_drift
from core.storage import keys
from core.storage.topology import is_cluster

log = structlog.get_logger()

DEFAULT_EMBEDDING_RATE = 300.0
"""Passages per second, until a run has measured it."""


async def run_reindex(
    dependencies: IndexDependencies, options: ReindexOptions, fetcher: Fetcher, executor: TaskExecutor, emit: Emit
) -> Report:
    """Bring the index up to date with the sources.

    Another embedding model, dimension or precision leads to a new index version in which every post is embedded again.

    Raises PublicationRefusedError and what the embedder and Redis raise. The live index is then as it was, and what
    was embedded is kept for the next run.
    """
    redis = dependencies.redis
    # The first look-up loads the price list, too slowly for the event loop.
    await asyncio.to_thread(dollars, dependencies.embedder.name, 0)
    try:
        previous = await load_previous(redis)
        spec = await vector_spec_for(dependencies.embedder, dependencies.precision, previous.live)
        draft = await (find_draft if options.dry_run else begin_draft)(redis, spec)
        return await ReindexJob(dependencies, options, previous, draft, fetcher, executor, emit).run()
    except (EmbeddingMismatchError, ExceptionGroup) as group:
        error = first_error(group)
        if isinstance(error, EmbeddingMismatchError):
            error = PublicationRefusedError(reason=str(error))
        raise error from group


@dataclass(frozen=True, slots=True)
class PreviousIndex:
    """The state of the index when a run began."""

    live: IndexVersion | None = None
    ledger: Mapping[str, PostRecord] = field(default_factory=dict)
    listings: Mapping[str, Listing] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def embedding_rate(self) -> float:
        """Passages embedded per second in the last run."""
        return float(self.metadata.get("speed", DEFAULT_EMBEDDING_RATE))

    @property
    def source_metadata(self) -> dict[str, str]:
        """The metadata that holds for any index version."""
        return {"sources": self.metadata["sources"]} if "sources" in self.metadata else {}


async def load_previous(redis: Redis) -> PreviousIndex:
    """Load the live index version, without posts that lack passages: those are read again."""
    found = await read_live(redis)
    if found is None:
        return PreviousIndex()
    live = found.version
    if await needs_upgrade(redis, found):
        await upgrade(redis, live)
    ledger = await live.ledger()
    damaged = await live.posts_with_missing_passages(ledger)
    if damaged:
        log.warning("passages missing in Redis, reading their posts again", posts=len(damaged))
    intact = {url: record for url, record in ledger.items() if url not in damaged}
    return PreviousIndex(
        live, intact, {} if damaged else await live.listings(), await read_metadata(redis, live.number)
    )


class ReindexJob:
    """One run: read the sources into a draft, emit the plan, publish."""

    def __init__(
        self,
        dependencies: IndexDependencies,
        options: ReindexOptions,
        previous: PreviousIndex,
        draft: Draft,
        fetcher: Fetcher,
        executor: TaskExecutor,
        emit: Emit,
    ) -> None:
        self._dependencies = dependencies
        self._redis = dependencies.redis
        self._options = options
        self._previous = previous
        self._draft = draft
        self._emit = emit
        self._rebuilds = previous.live is not None and previous.live.vector_spec != draft.vector_spec
        self._counters = RunCounters(self._emit_progress, previous.embedding_rate)
        self._tracker = ChangeTracker(previous.ledger)
        self._lister = Lister(self._tracker, previous.listings, dependencies.sources, fetcher, self._counters)
        self._pipeline = Pipeline(
            self._lister,
            Reader(self._tracker, self._lister, fetcher, executor, self._counters),
            EmbeddingStage(draft, executor.embed_into, dependencies.tokens, self._counters, self._handle_unembeddable),
            self._handle_planned,
            options.dry_run,
        )
        self._configured = {source.name for source in dependencies.sources}

    async def run(self) -> Report:
        """Read, embed and publish. Raises what `run_reindex` raises, in exception groups."""
        only = self._options.source
        sources = [source for source in self._dependencies.sources if only in {"", source.name}]
        await self._pipeline.run(sources, self._remove_and_rebuild)
        if self._options.dry_run:
            return self._report("planned")
        return await self._publish()

    def _emit_progress(self, progress: Progress) -> None:
        self._emit(RunProgressed(progress))

    async def _remove_and_rebuild(self) -> AsyncGenerator[ParsedPost, None]:
        """Remove unlisted posts; in a rebuild, yield the unchanged ones to be embedded again."""
        self._tracker.remove_unlisted(self._lister.complete, None if self._options.source else self._configured)
        self._counters.set_removed(len(self._tracker.diff().removed))
        if self._rebuilds and self._previous.live:
            async with aclosing(unchanged_posts(self._previous.live, self._tracker.change().kept)) as posts:
                async for post in posts:
                    yield post

    def _handle_unembeddable(self, post: ParsedPost, cause: str) -> None:
        """Leave a post as it was. In a rebuild, its old vectors are of no use, and so it is removed."""
        if post.url in self._tracker.change().upserted:
            self._counters.add("changed" if post.url in self._tracker.ledger else "new", -1)
        self._tracker.revert(post.url)
        if self._rebuilds:
            self._tracker.remove(post.url)
        self._lister.invalidate(post.record.listing)
        reason = f"the embedding model has no vector for it: {cause}"
        self._counters.fail(Failure(post.url, reason, source=post.record.source))

    def _handle_planned(self) -> None:
        progress, model = self._counters.progress, self._dependencies.embedder.name
        plan = Plan(
            new=progress.new,
            changed=progress.changed,
            removed=progress.removed,
            unchanged=progress.unchanged,
            failed=progress.failed,
            passages=progress.to_embed,
            tokens=progress.tokens,
            dollars=dollars(model, progress.tokens),
            seconds=round(self._counters.seconds_to_embed, 1),
            model=model,
            rebuilds=self._rebuilds,
            diff=self._tracker.diff(),
            failures=tuple(self._counters.failures),
        )
        self._emit(RunPlanned(plan))
        if not (self._options.dry_run or self._options.force):
            self._check_losses()

    def _check_losses(self) -> None:
        """Raise PublicationRefusedError if more than half of the posts of configured sources would be lost."""
        change = self._tracker.change()
        before = self._count_configured(self._previous.ledger)
        after = self._count_configured(change.kept) + self._count_configured(change.upserted)
        if 2 * after < before:
            reason = f"only {after} of {before} posts would be left; use `force` if that is intended"
            raise PublicationRefusedError(reason=reason)

    def _count_configured(self, records: Mapping[str, PostRecord]) -> int:
        return sum(record.source in self._configured for record in records.values())

    async def _publish(self) -> Report:
        live, change = self._previous.live, self._change()
        if not (change.upserted or change.removed):
            await delete_draft(self._redis, self._draft)
            if live:
                await self._update_metadata(live, change)
            return self._report("unchanged")
        algorithm = choose_algorithm(change.passages, self._dependencies.algorithm)
        if live and self._can_change_in_place(live, change, algorithm):
            await apply_in_place(self._redis, self._draft, live, change)
            await self._update_metadata(live, change)
            await recalibrate_after_drift(self._redis, live, change)
        else:
            version = await build_version(self._redis, self._draft, live, change, algorithm)
            await calibrate(self._redis, version)
            await version.set_metadata({**self._previous.source_metadata, **self._metadata()})
            await publish(self._redis, version)
        await delete_stale_versions(self._redis)
        return self._report("published")

    def _can_change_in_place(self, live: IndexVersion, change: Change, algorithm: Algorithm) -> bool:
        # In place means in one transaction, which a cluster supports only within one slot.
        small = not self._rebuilds and not is_cluster(self._redis) and fits_in_place(change, self._previous.ledger)
        return small and live.index == keys.index(live.number, algorithm)

    def _change(self) -> Change:
        """Return what to publish. In a rebuild that is every post, as no passage can be copied."""
        change = self._tracker.change()
        listings = self._lister.listings(removed=bool(change.removed))
        if self._rebuilds:
            return Change({}, {**change.kept, **change.upserted}, change.removed, listings)
        return replace(change, listings=listings)

    async def _update_metadata(self, live: IndexVersion, change: Change) -> None:
        """Store what was learned about unchanged posts, and fit the index algorithm.

        Only after the changes are safe: stored validators would hide them from the next run.
        """
        ledger = self._previous.ledger
        await live.write_records({url: record for url, record in change.kept.items() if record != ledger[url]})
        await live.replace_listings(change.listings)
        await live.set_metadata(self._metadata())
        await live.fit_algorithm(self._dependencies.algorithm)

    def _metadata(self) -> dict[str, str]:
        metadata = {"speed": f"{self._counters.embedding_rate:.1f}"}
        return metadata if self._options.source else {**metadata, **(self._dependencies.metadata or {})}

    def _report(self, outcome: Outcome) -> Report:
        change = self._tracker.change()
        report = Report(
            self._counters.progress,
            self._counters.seconds,
            tuple(self._counters.failures),
            rebuilt=self._rebuilds and outcome == "published",
            outcome=outcome,
            diff=self._tracker.diff(),
            posts=len(change.kept) + len(change.upserted),
            found=tuple(self._counters.found),
            omissions=self._counters.omissions,
        )
        progress = report.progress
        log.info(
            "reindex run finished",
            outcome=outcome,
            new=progress.new,
            changed=progress.changed,
            unchanged=progress.unchanged,
            removed=progress.removed,
            failures=len(report.failures),
            seconds=round(report.seconds, 1),
        )
        return report
