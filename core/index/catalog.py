"""Looking around in what is known: how much there is, what could be asked, one post whole."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from redis.asyncio import Redis

from core.domain import Post
from core.index.schema import index_info, source_filter
from core.index.version import live_version
from core.storage import keys
from core.words import content_words, words

_POINTING = frozenset("this that these those it its here there".split())

LOOKED_AT = 500
"""Passages among which examples and titles are looked for."""

SHORTEST_PREFIX = 2
"""Letters; RediSearch completes nothing shorter."""


@dataclass(frozen=True, slots=True)
class IndexStats:
    """How much there is to answer from. `bytes` is what the index takes in Redis, beside the passages themselves."""

    posts: int = 0
    passages: int = 0
    bytes: int = 0


class Catalog:
    """Reads the live edition; all of it is empty as long as nothing has been read."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def stats(self) -> IndexStats:
        """What there is at this moment; it grows while a first edition is being read."""
        edition = await live_version(self._redis)
        if edition is None:
            return IndexStats()
        info = await index_info(self._redis, edition.index)
        return IndexStats(await edition.post_count(), int(str(info["num_docs"])), _bytes(info))

    async def latest_post_date(self) -> datetime | None:
        """The date of the newest post; None when no post has one."""
        if await live_version(self._redis) is None:
            return None
        query = ("*", "SORTBY", "published", "DESC", "LIMIT", 0, 1, "RETURN", 1, "published", "DIALECT", 2)
        _, *rows = await self._redis.execute_command("FT.SEARCH", keys.POSTS, *query)
        published = dict(zip(rows[1][::2], rows[1][1::2], strict=True)).get(b"published") if rows else None
        return datetime.fromtimestamp(float(published), UTC) if published else None

    async def posts_by_source(self, sources: frozenset[str] | None = None) -> dict[str, int]:
        """How many posts each source has, by the sources' names."""
        edition = await live_version(self._redis)
        ledger = await edition.ledger() if edition else {}
        counts = Counter(record.source for record in ledger.values())
        return {source: count for source, count in sorted(counts.items()) if sources is None or source in sources}

    async def example_questions(self, most: int, sources: frozenset[str] | None = None) -> list[str]:
        """Questions that the posts surely answer: their headings that are questions, then what their titles are about;
        at most one of a post."""
        if sources == frozenset() or await live_version(self._redis) is None:
            return []
        query = (source_filter(sources) or "*", "RETURN", 2, "title", "heading", "LIMIT", 0, LOOKED_AT, "DIALECT", 2)
        _, *rows = await self._redis.execute_command("FT.SEARCH", keys.POSTS, *query)
        posts: dict[str, str] = {}
        for fields in rows[1::2]:
            named = {name.decode(): value.decode() for name, value in zip(fields[::2], fields[1::2], strict=True)}
            title, heading = named.get("title", ""), named.get("heading", "").split(" › ")[-1]
            question = heading if _stands_alone(heading) else ""
            posts[title] = posts.get(title) or question
        asked = [question for question in posts.values() if question]
        named_titles = [
            title if title.endswith("?") else f"What is “{title}” about?"
            for title, question in posts.items()
            if not question
        ]
        return [*asked, *named_titles][:most]

    async def search_titles(self, typed: str, most: int, sources: frozenset[str] | None = None) -> list[str]:
        """Titles that hold the words of what somebody is typing, the last of which may not be whole yet."""
        typed_words = words(typed)
        if not typed_words or sources == frozenset() or await live_version(self._redis) is None:
            return []
        *whole, last = typed_words
        terms = [*whole, f"{last}*" if len(last) >= SHORTEST_PREFIX else last]
        query = f"{source_filter(sources)} @title:({' '.join(terms)})"
        shown = ("RETURN", 1, "title", "LIMIT", 0, LOOKED_AT, "DIALECT", 2)
        _, *rows = await self._redis.execute_command("FT.SEARCH", keys.POSTS, query, *shown)
        return list(dict.fromkeys(fields[1].decode() for fields in rows[1::2] if fields))[:most]

    async def post(self, url: str, sources: frozenset[str] | None = None) -> Post | None:
        """A post as it was read, put together from its passages; None for one of other `sources`, too."""
        edition = await live_version(self._redis)
        record = await edition.record(url) if edition else None
        if edition is None or record is None or (sources is not None and record.source not in sources):
            return None
        passages = await edition.passages({url: record.passages})
        if not passages:
            return None
        text = "\n\n".join(passage.text for passage in passages)
        return Post(url, record.title, text, record.source, passages[0].published)


def _bytes(info: Mapping[str, object]) -> int:
    """Each part of an index has its megabytes, under names that all end alike; newer servers give the sum as well."""
    parts = (float(str(size)) for name, size in info.items() if name.endswith("_sz_mb") and "total" not in name)
    return round(sum(parts) * 1024 * 1024)


def _stands_alone(heading: str) -> bool:
    """Whether a heading is a question that makes sense without the post around it."""
    return heading.endswith("?") and len(content_words(heading)) > 1 and _POINTING.isdisjoint(words(heading))
