"""The catalog of indexed posts: statistics, example questions, titles, whole posts."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from redis.asyncio import Redis

from core.domain import Post
from core.i18n import gettext
from core.index.schema import index_info, source_filter
from core.index.version import live_version
from core.language.terms import query_words
from core.language.words import words
from core.storage import keys

_DEMONSTRATIVES = frozenset("this that these those it its here there".split())

_PART = re.compile(r"[\s,:–—(-]+(part|teil|partie|parte|deel|часть|第)\s*\d+\s*[)部]?$", re.IGNORECASE)

_HEADING_QUESTION = re.compile(r"^#{1,6} (.{1,200}\?)$", re.MULTILINE)

SCANNED_PASSAGES = 500
"""Passages searched for examples and titles."""

SHORTEST_PREFIX = 2
"""Letters; RediSearch does not complete shorter ones."""


@dataclass(frozen=True, slots=True)
class IndexStats:
    """The size of the index. `bytes` is the memory of the search index, without the passages themselves."""

    posts: int = 0
    passages: int = 0
    bytes: int = 0


class Catalog:
    """Reads the live index version. Everything is empty before the first publication."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def stats(self) -> IndexStats:
        """Return the current size; it grows while the first version is being indexed."""
        version = await live_version(self._redis)
        if version is None:
            return IndexStats()
        info = await index_info(self._redis, version.index)
        return IndexStats(await version.post_count(), int(str(info["num_docs"])), _bytes(info))

    async def latest_post_date(self) -> datetime | None:
        """Return the date of the latest post, or None if no post has one."""
        if await live_version(self._redis) is None:
            return None
        query = ("*", "SORTBY", "published", "DESC", "LIMIT", 0, 1, "RETURN", 1, "published", "DIALECT", 2)
        _, *rows = await self._redis.execute_command("FT.SEARCH", keys.POSTS, *query)
        published = dict(zip(rows[1][::2], rows[1][1::2], strict=True)).get(b"published") if rows else None
        return datetime.fromtimestamp(float(published), UTC) if published else None

    async def posts_by_source(self, sources: frozenset[str] | None = None) -> dict[str, int]:
        version = await live_version(self._redis)
        ledger = await version.ledger() if version else {}
        counts = Counter(record.source for record in ledger.values())
        return {source: count for source, count in sorted(counts.items()) if sources is None or source in sources}

    async def example_questions(self, limit: int, sources: frozenset[str] | None = None) -> list[str]:
        """Return questions that the posts answer, one per post: headings that are questions, then questions about a
        heading or a title."""
        if sources == frozenset() or await live_version(self._redis) is None:
            return []
        shown = ("RETURN", 3, "title", "heading", "text", "LIMIT", 0, SCANNED_PASSAGES, "DIALECT", 2)
        _, *rows = await self._redis.execute_command("FT.SEARCH", keys.POSTS, source_filter(sources) or "*", *shown)
        posts: dict[str, str] = {}
        headings: dict[str, str] = {}
        for fields in rows[1::2]:
            named = {name.decode(): value.decode() for name, value in zip(fields[::2], fields[1::2], strict=True)}
            title, heading = named.get("title", ""), named.get("heading", "").split(" › ")[-1]
            inner = _HEADING_QUESTION.findall(named.get("text", ""))
            question = next(filter(is_standalone_question, (heading, *inner)), "")
            posts[title] = posts.get(title) or question
            if heading and not heading.startswith(title):
                headings.setdefault(title, heading)
        asked = [question for question in posts.values() if question]
        made = [_question_about(title, headings.get(title, "")) for title, question in posts.items() if not question]
        return list(dict.fromkeys([*asked, *made]))[:limit]

    async def search_titles(self, typed: str, limit: int, sources: frozenset[str] | None = None) -> list[str]:
        """Return titles that contain the typed words, of which the last may be incomplete."""
        typed_words = words(typed)
        if not typed_words or sources == frozenset() or await live_version(self._redis) is None:
            return []
        *whole, last = typed_words
        terms = [*whole, f"{last}*" if len(last) >= SHORTEST_PREFIX else last]
        query = f"{source_filter(sources)} @title:({' '.join(terms)})"
        shown = ("RETURN", 1, "title", "LIMIT", 0, SCANNED_PASSAGES, "DIALECT", 2)
        _, *rows = await self._redis.execute_command("FT.SEARCH", keys.POSTS, query, *shown)
        return list(dict.fromkeys(fields[1].decode() for fields in rows[1::2] if fields))[:limit]

    async def post(self, url: str, sources: frozenset[str] | None = None) -> Post | None:
        """Return a post, assembled from its passages, or None if it is unknown or not from `sources`."""
        version = await live_version(self._redis)
        record = await version.record(url) if version else None
        if version is None or record is None or (sources is not None and record.source not in sources):
            return None
        passages = await version.passages({url: record.passages})
        if not passages:
            return None
        text = "\n\n".join(passage.text for passage in passages)
        return Post(url, record.title, text, record.source, passages[0].published)


def _question_about(title: str, heading: str) -> str:
    """Return a question that a person might ask about a post."""
    title = _PART.sub("", title).strip()
    if title.endswith("?"):
        return title
    if heading:
        return gettext("What does “{title}” say about “{heading}”?").format(title=title, heading=heading)
    return gettext("What do the posts say about “{title}”?").format(title=title)


def _bytes(info: Mapping[str, object]) -> int:
    """Add up the sizes of an index's parts; newer servers also report their total."""
    parts = (float(str(size)) for name, size in info.items() if name.endswith("_sz_mb") and "total" not in name)
    return round(sum(parts) * 1024 * 1024)


def is_standalone_question(heading: str) -> bool:
    """Return whether a heading is a question that makes sense without its post."""
    return heading.endswith("?") and len(query_words(heading, [])) > 1 and _DEMONSTRATIVES.isdisjoint(words(heading))
