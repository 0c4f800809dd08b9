"""A small blog of seven unrelated posts, as files or indexed in Redis."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from redis.asyncio import Redis

from core.domain import Person, Post, Source
from core.index.draft import Draft, vector_spec_metadata
from core.index.publication import Change, build_version, publish
from core.index.schema import Algorithm, Precision, VectorSpec
from core.index.version import IndexVersion, PostRecord
from core.indexing.executors import LocalExecutor
from core.indexing.options import IndexDependencies, ReindexOptions
from core.indexing.post_parser import ParserPool
from core.indexing.progress import Plan, Report
from core.indexing.reindex_job import run_reindex
from core.indexing.run_events import RunPlanned, RunProgressed
from core.ingestion.chunker import chunk
from core.ingestion.fetcher import Fetcher
from core.language.detection import post_language
from core.models.protocols import Embedder
from core.retrieval.calibration import calibrate
from core.storage import keys
from core.tokens import estimate_tokens

ADMIN = Person("U1", "Anna", admin=True)

POSTS = {
    "backups": "# Backups that survive a fire\n\nWe copy the database every night to a bucket in another region. A "
    "restore is rehearsed once a month, because a backup that was never restored is a rumour.",
    "bees": "# Wintering bees on a roof\n\nThe hives stand on a flat roof. In winter the cluster of bees shivers to "
    "keep the queen warm, and we leave them twenty kilograms of honey.",
    "kubernetes": "# Why we left Kubernetes\n\nOur three services ran on Kubernetes for two years. The cluster cost "
    "more attention than the services, so we moved to two plain virtual machines with systemd.",
    "sourdough": "# Sourdough for engineers\n\nA starter is flour and water, fed every day. Bake the loaf at 250 "
    "degrees in a closed pot for thirty minutes, then open the lid.",
    "typewriter": "# Repairing a typewriter\n\nThe carriage of the Olympia was stuck. We cleaned the escapement with "
    "petrol and replaced the drawstring with fishing line.",
    "redis": "# Redis as our only database\n\nAll our sessions and posts live in Redis. Persistence is the append-only "
    "file, which is synced to disk every second.",
    "bicycle": "# Commuting by bicycle in the rain\n\nMudguards matter more than a jacket. Wool stays warm when it is "
    "wet, and a cap under the helmet keeps the rain out of your eyes.",
}
"""Markdown by slug."""


def write_posts(folder: Path, posts: Mapping[str, str] = POSTS, name: str = "blog") -> Source:
    """Write the posts to a folder and return it as a source."""
    folder.mkdir(exist_ok=True)
    for slug, text in posts.items():
        (folder / f"{slug}.md").write_text(text, encoding="utf-8")
    return Source(name=name, kind="folder", address=str(folder))


def url_of(slug: str, name: str = "blog") -> str:
    """Return the URL of a post written by `write_posts`."""
    return f"{name}/{slug}.md"


async def new_version(
    redis: Redis, embedder: Embedder, precision: Precision = "FLOAT32", algorithm: Algorithm = "FLAT"
) -> IndexVersion:
    """Create an empty, unpublished index version."""
    number = int(await redis.incr(keys.VERSION_COUNTER))
    await redis.sadd(keys.VERSIONS, number)
    draft = Draft(redis, number, VectorSpec(embedder.name, await embedder.dimensions(), precision))
    await draft.set_metadata(vector_spec_metadata(draft.vector_spec))
    version = await build_version(redis, draft, None, Change(), algorithm)
    await version.wait_until_indexed()
    return version


async def put_posts(redis: Redis, version: IndexVersion, embedder: Embedder, posts: Mapping[str, str] = POSTS) -> None:
    """Index the posts in a version, under the URLs of `write_posts`."""
    draft = Draft(redis, version.number, version.vector_spec)
    for slug, text in posts.items():
        title = text.splitlines()[0].removeprefix("# ")
        language = await asyncio.to_thread(post_language, text, "en")
        passages = chunk(Post(url_of(slug), title, text, "blog", language=language))
        await draft.stage(passages, await embedder.embed([passage.embedding_text for passage in passages]))
        await draft.write_records({url_of(slug): PostRecord(title, "blog", slug, slug, len(passages))})
    await version.wait_until_indexed()


async def published(redis: Redis, embedder: Embedder, posts: Mapping[str, str] = POSTS) -> IndexVersion:
    """Publish a calibrated index version of the posts."""
    version = await new_version(redis, embedder)
    await put_posts(redis, version, embedder, posts)
    await calibrate(redis, version)
    await publish(redis, version)
    return version


class Runs:
    """Runs reindex jobs without parser processes. `events` are those of the last run."""

    def __init__(self, dependencies: IndexDependencies, fetcher: Fetcher, executor: LocalExecutor) -> None:
        self._dependencies = dependencies
        self._fetcher = fetcher
        self._executor = executor
        self.events: list[RunPlanned | RunProgressed] = []

    async def __call__(self, *sources: Source, only: str = "", dry_run: bool = False, force: bool = False) -> Report:
        self.events.clear()
        dependencies = replace(self._dependencies, sources=sources)
        options = ReindexOptions(ADMIN, only, dry_run, force)
        return await run_reindex(dependencies, options, self._fetcher, self._executor, self.events.append)

    @property
    def plan(self) -> Plan:
        """Return the plan of the last run."""
        [plan] = [event.plan for event in self.events if isinstance(event, RunPlanned)]
        return plan


@asynccontextmanager
async def reindexing(
    redis: Redis, embedder: Embedder, precision: Precision = "FLOAT32", algorithm: Algorithm | None = None
) -> AsyncIterator[Runs]:
    """Yield runs that share an HTTP session."""
    dependencies = IndexDependencies(redis, embedder, estimate_tokens, precision=precision, algorithm=algorithm)
    async with Fetcher("Footnoted") as fetcher, ParserPool(processes=0) as parsers:
        yield Runs(dependencies, fetcher, LocalExecutor(parsers, embedder))
