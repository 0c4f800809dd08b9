"""Posts of several sources in one index."""

from collections.abc import Mapping

from redis.asyncio import Redis

from core.domain import Post
from core.index.draft import Draft
from core.index.publication import publish
from core.index.version import IndexVersion, PostRecord
from core.ingestion.chunker import chunk
from core.models.protocols import Embedder
from core.retrieval.calibration import calibrate
from tests.posts import new_version

ODD_NAMES = (
    "blog", "Blog", "my blog", "a, b", "a", "b", "a|b", "a}b", "{a}", '"quoted"', "it's", "back\\slash", "\\", "2024",
    "@source:{x}", "$param", "-a", "(a)", "a:b", "a.b", "example.org/feed?x=1&y=2", "*", "a*", "~x", "%y%", "[z]",
    "<w>", "=>", "!", "#1", "a_b", "the", "AND", "ö", "e\u0301", "İ", "日本語のブログ", "🐝", "👩\u200d🚀 x",
    "a\u00a0b", "x" * 300,
)  # fmt: skip
"""Source names that could break a query."""


def address(source: str, slug: str) -> str:
    return f"{source}/{slug}"


async def shelved(redis: Redis, embedder: Embedder, shelves: Mapping[str, Mapping[str, str]]) -> IndexVersion:
    """Publish and calibrate a version of these posts: Markdown by name, by source."""
    edition = await new_version(redis, embedder)
    draft = Draft(redis, edition.number, edition.vector_spec)
    for source, posts in shelves.items():
        for slug, text in posts.items():
            title = text.splitlines()[0].removeprefix("# ")
            passages = chunk(Post(address(source, slug), title, text, source, language="en"))
            await draft.stage(passages, await embedder.embed([passage.embedding_text for passage in passages]))
            await draft.write_records({address(source, slug): PostRecord(title, source, slug, slug, len(passages))})
    await edition.wait_until_indexed()
    await calibrate(redis, edition)
    await publish(redis, edition)
    return edition
