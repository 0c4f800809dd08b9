"""Posts of several sources in one index, of which some are not for everybody."""

from collections.abc import Mapping

from redis.asyncio import Redis

from core.knowledge.calibrating import calibrate
from core.knowledge.edition import Edition, Record, publish
from core.knowledge.retriever import Retriever
from core.models.protocols import Embedder
from core.reading.chunking import chunk
from core.tokens import estimate
from core.vocabulary import Post
from tests.posts import new_edition

ODD_NAMES = (
    "blog", "Blog", "my blog", "a, b", "a", "b", "a|b", "a}b", "{a}", '"quoted"', "it's", "back\\slash", "\\", "2024",
    "@source:{x}", "$param", "-a", "(a)", "a:b", "a.b", "example.org/feed?x=1&y=2", "*", "a*", "~x", "%y%", "[z]",
    "<w>", "=>", "!", "#1", "a_b", "the", "AND", "ö", "e\u0301", "İ", "日本語のブログ", "🐝", "👩\u200d🚀 x",
    "a\u00a0b", "x" * 300,
)  # fmt: skip
"""Names of sources that a search could stumble over."""


def address(source: str, slug: str) -> str:
    return f"{source}/{slug}"


async def shelved(redis: Redis, embedder: Embedder, shelves: Mapping[str, Mapping[str, str]]) -> Edition:
    """A live, calibrated edition of these posts: Markdown by name, by source."""
    edition = await new_edition(redis, embedder)
    for source, posts in shelves.items():
        for slug, text in posts.items():
            title = text.splitlines()[0].removeprefix("# ")
            passages = chunk(Post(address(source, slug), title, text, source), estimate)
            vectors = await embedder.embed([passage.embedded for passage in passages])
            await edition.put(passages, vectors, Record(title, source, slug, slug, len(passages)), before=0)
    await edition.settled()
    await calibrate(Retriever(redis, embedder), edition)
    await publish(redis, edition)
    return edition
