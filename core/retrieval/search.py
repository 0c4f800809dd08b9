"""Queries to RediSearch: BM25 and vector search. Both return scores by key, higher is better.

`filter_` is the clause of `source_filter`, which RediSearch applies while ranking.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ResponseError

from core.domain import Passage
from core.index.schema import HASH_FIELDS, from_hash
from core.language.terms import QueryWord
from core.retrieval.term_coverage import Term, fuzzy_query
from core.storage.connection import as_text

log = structlog.get_logger()

CANDIDATES = 50
"""Passages per search."""

MAX_TERMS = 64
MIN_IDF = math.log(2)
"""The idf of a word in half of the passages; more frequent ones are not searched for. Passages that were just replaced
are counted twice for a while, so a word may even seem to be in more passages than there are."""

MIN_FUZZY_LENGTH = 5
"""Letters; shorter words have too many neighbours."""


async def term_idf(
    redis: Redis, index: str, texts: Sequence[Sequence[QueryWord]], filter_: str = ""
) -> list[list[Term]]:
    """Return the words of each text with their idf: one round trip, and a second if some are in no passage."""
    asked = [words[:MAX_TERMS] for words in texts]
    every = {word.word: word for words in asked for word in words}
    total, *counts = await _count(redis, index, ["", *("|".join(word.variants) for word in every.values())], filter_)
    seen = dict(zip(every, counts, strict=True))
    unknown = [word for word in every if not seen[word] and len(word) >= MIN_FUZZY_LENGTH and word.isalpha()]
    queries = [fuzzy_query(word, every[word].variants) for word in unknown]
    near = dict(zip(unknown, await _count(redis, index, queries, filter_), strict=True)) if unknown else {}

    def idf(count: int) -> float:
        # BM25's inverse document frequency.
        return math.log(1 + (max(total - count, 0) + 0.5) / (count + 0.5))

    def term(word: QueryWord) -> Term:
        if word.stop_word:
            return Term(word.word, 0.0, word.variants)  # a question of stop words alone is about nothing
        misspelt = bool(near.get(word.word))
        return Term(
            word.word, idf(seen[word.word] or near.get(word.word, 0)), word.variants, misspelt, idf(1), word.weight
        )

    return [[term(word) for word in words] for words in asked]


async def bm25_search(
    redis: Redis, index: str, questions: Sequence[Sequence[Term]], filter_: str = ""
) -> list[dict[str, float]]:
    """Return BM25 scores for each question, in one round trip."""
    async with redis.pipeline(transaction=False) as pipe:
        for terms in filter(None, questions):
            rare = [term.query for term in terms if term.idf >= MIN_IDF]
            query = "|".join(rare or [term.query for term in terms])
            # The default scorer of RediSearch 2 is TF-IDF, which is far weaker.
            shown = ("VERBATIM", "SCORER", "BM25STD", "WITHSCORES", "NOCONTENT", "LIMIT", 0, CANDIDATES)
            _search(pipe, index, f"{filter_} @terms:({query})", *shown)
        replies = iter(await _execute(pipe))
    return [_scores(next(replies)) if terms else {} for terms in questions]


async def vector_search(
    redis: Redis, index: str, vectors: Sequence[bytes], filter_: str = ""
) -> list[dict[str, float]]:
    """Return cosines for each question, in one round trip."""
    knn = f"({filter_ or '*'})=>[KNN {CANDIDATES} @embedding $vector AS distance]"
    async with redis.pipeline(transaction=False) as pipe:
        for vector in vectors:
            shown = ("RETURN", 1, "distance", "SORTBY", "distance", "LIMIT", 0, CANDIDATES)
            _search(pipe, index, knn, "PARAMS", 2, "vector", vector, *shown)
        replies = await _execute(pipe)
    return [
        {
            as_text(key): 0.0 if math.isnan(distance := float(fields[1])) else 1 - distance
            for key, fields in zip(reply[1::2], reply[2::2], strict=True)
        }
        for reply in replies
    ]


def _scores(reply: Sequence[Any]) -> dict[str, float]:
    return {as_text(key): float(score) for key, score in zip(reply[1::2], reply[2::2], strict=True)}


async def read_passages(redis: Redis, index: str, names: Sequence[str]) -> dict[str, tuple[Passage, str]]:
    """Return the passages under these keys that still exist, each with its stored terms, with one command instead of
    one per hash."""
    if not names:
        return {}
    wanted = (*HASH_FIELDS, "terms")
    async with redis.pipeline(transaction=False) as pipe:
        fields = ("RETURN", len(wanted), *wanted, "LIMIT", 0, len(names))
        _search(pipe, index, "*", "INKEYS", len(names), *names, *fields)
        [reply] = await _execute(pipe)
    passages = {}
    for key, values in zip(reply[1::2], reply[2::2], strict=True):
        by_field = dict(zip(map(as_text, values[::2]), values[1::2], strict=True))
        if passage := from_hash([by_field.get(field) for field in HASH_FIELDS]):
            passages[as_text(key)] = passage, as_text(by_field.get("terms") or b"")
    return passages


async def count_passages(redis: Redis, index: str) -> int:
    """Return the number of passages of an index."""
    [total] = await _count(redis, index, [""], "")
    return total


async def sample_vectors(redis: Redis, index: str, places: Sequence[int]) -> dict[str, bytes]:
    """Return the vectors of the passages at these places of the index, by key."""
    async with redis.pipeline(transaction=False) as pipe:
        for place in places:
            _search(pipe, index, "*", "RETURN", 1, "embedding", "LIMIT", place, 1)
        replies = await _execute(pipe)
    return {as_text(reply[1]): reply[2][1] for reply in replies if len(reply) == 3 and len(reply[2]) == 2}


async def _count(redis: Redis, index: str, queries: Iterable[str], filter_: str) -> list[int]:
    """Return the number of passages with any of the terms of each query; of all passages for an empty one."""
    async with redis.pipeline(transaction=False) as pipe:
        for query in queries:
            clause = f"{filter_} @terms:({query})" if query else filter_ or "*"
            _search(pipe, index, clause, "VERBATIM", "LIMIT", 0, 0)
        return [reply[0] for reply in await _execute(pipe)]


def _search(pipe: Pipeline, index: str, query: str, *arguments: str | int | bytes) -> None:
    pipe.execute_command("FT.SEARCH", index, query, *arguments, "DIALECT", 2)


async def _execute(pipe: Pipeline) -> list[Any]:
    """Return the replies. A query that the parser rejects is logged and has no hits; other errors are raised."""
    replies: list[Any] = await pipe.execute(raise_on_error=False)
    for reply in replies:
        if isinstance(reply, Exception) and not _is_syntax_error(reply):
            raise reply
        if isinstance(reply, Exception):
            # Only the position: behind "near", the message quotes the user's words.
            log.error("search query rejected", cause=str(reply).partition(" near ")[0])
    return [[0] if isinstance(reply, Exception) else reply for reply in replies]


def _is_syntax_error(error: Exception) -> bool:
    return isinstance(error, ResponseError) and "syntax" in str(error).lower()
