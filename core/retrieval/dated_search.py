"""Search by date: posts of a time, and the newest posts first."""

from collections.abc import Sequence
from datetime import datetime

from redis.asyncio import Redis

from core.domain import ScoredPassage, SearchResults
from core.retrieval.search import read_passages
from core.storage.connection import as_text

NEWEST_POSTS = 10
_SCANNED = 500
"""Passages among which the first ones of the newest posts are looked for."""

_ABOUT_AS_RELEVANT = 0.5
"""Share of the best score from which a hit counts as being about the topic."""


def date_filter(since: datetime | None, until: datetime | None) -> str:
    """Return the query clause for posts published in a time, `until` excluded; empty for any time."""
    if since is None and until is None:
        return ""
    begin = since.timestamp() if since else "-inf"
    end = f"({until.timestamp()}" if until else "+inf"
    return f"@published:[{begin} {end}]=>{{$weight: 0}}"


async def newest_passages(redis: Redis, index: str, filter_: str) -> tuple[ScoredPassage, ...]:
    """Return the first passages of the newest posts that have a date, the newest first."""
    query = filter_ if "@published" in filter_ else f"{filter_} {_DATED}".strip()
    shown = ("NOCONTENT", "SORTBY", "published", "DESC", "LIMIT", 0, _SCANNED, "DIALECT", 2)
    reply = await redis.execute_command("FT.SEARCH", index, query, *shown)
    first = [name for name in map(as_text, reply[1:]) if name.endswith(":0")][:NEWEST_POSTS]
    passages = await read_passages(redis, index, first)
    found: Sequence[str] = [name for name in first if name in passages]
    return tuple(ScoredPassage(passages[name][0], round(1 - at / 100, 2)) for at, name in enumerate(found))


_DATED = "@published:[-inf +inf]=>{$weight: 0}"


def newest_first(results: SearchResults) -> SearchResults:
    """Order the hits that are about the topic by date; posts without a date come last."""
    best = max((hit.score for hit in results.hits), default=0.0)
    about = [hit for hit in results.hits if hit.score >= _ABOUT_AS_RELEVANT * best]
    hits = sorted(
        about, key=lambda hit: hit.passage.published.timestamp() if hit.passage.published else 0.0, reverse=True
    )
    return SearchResults(tuple(hits), results.relevance, results.confidence, results.lexical_only, results.foreign)
