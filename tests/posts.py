"""A small blog for tests: seven posts that share no subject, as files or straight in Redis."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis

from core.knowledge.calibrating import calibrate
from core.knowledge.edition import Edition, Record, begin, publish
from core.knowledge.retriever import Retriever
from core.knowledge.schema import Algorithm, Precision, Shape
from core.models.protocols import Embedder
from core.reading.chunking import chunk
from core.reading.fetcher import Fetcher
from core.reindexing.run import Reindexing
from core.tokens import estimate
from core.vocabulary import Post, Source

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
"""Markdown by name."""


def write_posts(folder: Path, posts: Mapping[str, str] = POSTS, name: str = "blog") -> Source:
    """The posts as files of a folder that is a source."""
    folder.mkdir(exist_ok=True)
    for slug, text in posts.items():
        (folder / f"{slug}.md").write_text(text, encoding="utf-8")
    return Source(name=name, kind="folder", address=str(folder))


def url_of(slug: str, name: str = "blog") -> str:
    """The address that a post of `write_posts` has."""
    return f"{name}/{slug}.md"


async def new_edition(
    redis: Redis, embedder: Embedder, precision: Precision = "FLOAT32", algorithm: Algorithm = "FLAT"
) -> Edition:
    """An empty edition for an embedder, which `posts` does not mean yet."""
    return await begin(redis, Shape(embedder.name, await embedder.dimensions(), precision), algorithm)


async def put_posts(edition: Edition, embedder: Embedder, posts: Mapping[str, str] = POSTS) -> None:
    """Writes the posts into an edition, under the addresses that `write_posts` gives them."""
    for slug, text in posts.items():
        title = text.splitlines()[0].removeprefix("# ")
        passages = chunk(Post(url_of(slug), title, text, "blog"), estimate)
        vectors = await embedder.embed([passage.embedded for passage in passages])
        await edition.put(passages, vectors, Record(title, "blog", slug, slug, len(passages)), before=0)
    await edition.settled()


async def published(redis: Redis, embedder: Embedder, posts: Mapping[str, str] = POSTS) -> Edition:
    """A live, calibrated edition of the posts."""
    edition = await new_edition(redis, embedder)
    await put_posts(edition, embedder, posts)
    await calibrate(Retriever(redis, embedder), edition)
    await publish(redis, edition)
    return edition


@asynccontextmanager
async def reindexing(
    redis: Redis, embedder: Embedder, precision: Precision = "FLOAT32", algorithm: Algorithm | None = None
) -> AsyncIterator[Reindexing]:
    """Reindexing as it is wired, with an HTTP session of its own."""
    async with Fetcher("Footnoted") as fetcher:
        retriever = Retriever(redis, embedder)
        yield Reindexing(redis, embedder, retriever, fetcher, estimate, precision, algorithm)
