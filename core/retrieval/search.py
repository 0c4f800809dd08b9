"""The two searches of RediSearch: by words and by meaning. Each gives scores by key, higher is better.

Both keep to some sources where a channel does: `within` is the clause of `source_filter`, which Redis heeds as it
ranks.
"""

from collections.abc import Iterable, Sequence
from math import isnan, log
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ResponseError

from core.domain import Passage
from core.index.schema import HASH_FIELDS, from_hash
from core.retrieval.term_coverage import Term
from core.storage.connection import as_text
from core.words import STOPWORDS, content_words

CANDIDATES = 50
"""Passages that each search brings."""

MOST_WORDS = 64
LEAST_RARITY = log(2)
"""A word that stands in half of the posts, or more, finds nothing. Posts that were just replaced are counted twice for
a while, so that words may even seem to stand in more posts than there are."""

SHORTEST_MISSPELT = 5
"""Letters; shorter words have too many neighbours."""


async def term_idf(redis: Redis, index: str, texts: Sequence[str], within: str = "") -> list[list[Term]]:
    """The telling words of each text with their rarity in the posts; one trip, a second when some stand in no post."""
    asked = [content_words(text)[:MOST_WORDS] for text in texts]
    every = list(dict.fromkeys(word for words in asked for word in words))
    total, *counts = await _count(redis, index, ["*", *every], within)
    seen = dict(zip(every, counts, strict=True))
    unknown = [word for word in every if not seen[word] and len(word) >= SHORTEST_MISSPELT and word.isalpha()]
    near = (
        dict(zip(unknown, await _count(redis, index, [f"%{word}%" for word in unknown], within), strict=True))
        if unknown
        else {}
    )

    def term(word: str) -> Term:
        if word in STOPWORDS:
            return Term(word, 0.0)  # a question of such words alone is about nothing, wherever they stand
        count = seen[word] or near.get(word, 0)
        # BM25's inverse document frequency.
        return Term(word, log(1 + (max(total - count, 0) + 0.5) / (count + 0.5)), bool(near.get(word)))

    return [[term(word) for word in words] for words in asked]


async def bm25_search(
    redis: Redis, index: str, questions: Sequence[Sequence[Term]], within: str = ""
) -> list[dict[str, float]]:
    """BM25 scores, for all questions in one trip."""
    async with redis.pipeline(transaction=False) as pipe:
        for terms in questions:
            rare = [term.query for term in terms if term.rarity >= LEAST_RARITY]
            query = "|".join(rare or [term.query for term in terms]) or "-*"
            # The default scorer of RediSearch 2 is TF-IDF, which is far weaker: BM25 has to be asked for.
            shown = ("SCORER", "BM25STD", "WITHSCORES", "NOCONTENT", "LIMIT", 0, CANDIDATES)
            _search(pipe, index, f"{within} ({query})", *shown)
        replies = await _execute(pipe)
    return [
        {as_text(key): float(score) for key, score in zip(reply[1::2], reply[2::2], strict=True)} for reply in replies
    ]


async def vector_search(redis: Redis, index: str, vectors: Sequence[bytes], within: str = "") -> list[dict[str, float]]:
    """Cosines, for all questions in one trip."""
    knn = f"({within or '*'})=>[KNN {CANDIDATES} @embedding $vector AS distance]"
    async with redis.pipeline(transaction=False) as pipe:
        for vector in vectors:
            _search(
                pipe,
                index,
                knn,
                "PARAMS",
                2,
                "vector",
                vector,
                "RETURN",
                1,
                "distance",
                "SORTBY",
                "distance",
                "LIMIT",
                0,
                CANDIDATES,
            )
        replies = await _execute(pipe)
    return [
        {
            as_text(key): 0.0 if isnan(distance := float(fields[1])) else 1 - distance
            for key, fields in zip(reply[1::2], reply[2::2], strict=True)
        }
        for reply in replies
    ]


async def read_passages(redis: Redis, index: str, found: Sequence[str]) -> dict[str, Passage]:
    """The passages under these keys, as far as they are still there; one command, where a hash each would take many."""
    if not found:
        return {}
    async with redis.pipeline(transaction=False) as pipe:
        fields = ("RETURN", len(HASH_FIELDS), *HASH_FIELDS, "LIMIT", 0, len(found))
        _search(pipe, index, "*", "INKEYS", len(found), *found, *fields)
        [reply] = await _execute(pipe)
    passages = {}
    for key, values in zip(reply[1::2], reply[2::2], strict=True):
        named = dict(zip(map(as_text, values[::2]), values[1::2], strict=True))
        if passage := from_hash([named.get(field) for field in HASH_FIELDS]):
            passages[as_text(key)] = passage
    return passages


async def _count(redis: Redis, index: str, queries: Iterable[str], within: str) -> list[int]:
    async with redis.pipeline(transaction=False) as pipe:
        for query in queries:
            _search(pipe, index, within if within and query == "*" else f"{within} {query}", "LIMIT", 0, 0)
        return [reply[0] for reply in await _execute(pipe)]


def _search(pipe: Pipeline, index: str, query: str, *arguments: str | int | bytes) -> None:
    pipe.execute_command("FT.SEARCH", index, query, *arguments, "DIALECT", 2)


async def _execute(pipe: Pipeline) -> list[Any]:
    """The replies; a query that the parser refuses finds nothing, any other error is raised."""
    replies = await pipe.execute(raise_on_error=False)
    for reply in replies:
        if isinstance(reply, Exception) and not _refused(reply):
            raise reply
    return [[0] if isinstance(reply, Exception) else reply for reply in replies]


def _refused(error: Exception) -> bool:
    return isinstance(error, ResponseError) and "syntax" in str(error).lower()
