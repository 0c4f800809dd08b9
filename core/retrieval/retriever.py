"""The retriever: hybrid search by words and vectors, reranking by sentences, and relevance."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import NamedTuple

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from core.domain import Passage, ScoredPassage, SearchResults
from core.errors import EmbeddingMismatchError, FootnotedError, ModelError
from core.index.schema import no_such_index, source_filter
from core.index.upgrade import needs_upgrade, upgrade
from core.index.version import IndexVersion, LiveIndex, read_live
from core.language.terms import query_words
from core.language.words import without_addresses
from core.models.protocols import Embedder, Vectors
from core.retrieval.dated_search import newest_passages
from core.retrieval.fusion import fuse
from core.retrieval.language_fit import LanguageFit
from core.retrieval.relevance import DEFAULT_MIN_SCORE, LEANING_TERMS, Chance, Signals, WordSignals, judge, relevance_of
from core.retrieval.search import bm25_search, read_passages, term_idf, vector_search
from core.retrieval.term_coverage import Term, TermCoverage
from core.telemetry import timed

log = structlog.get_logger()

RERANKED = 24
"""Candidates that are reranked by their sentences."""

SENTENCE_BONUS = 0.75
"""Weight of a passage's best sentence; its score in the fused ranking runs to 1."""

TOP_PASSAGES = 5
"""The first passages, whose coverage is a signal of relevance."""

EQUAL_DIGITS = 2
"""Decimals to which scores are compared; of equal passages the newer one comes first."""

MAX_PER_POST = 3
METADATA_TTL = 0.25
"""Seconds for which the live version's metadata is cached; another process may publish a new one."""


@dataclass(frozen=True, slots=True)
class _Live:
    version: IndexVersion
    metadata: Mapping[str, str]
    chance: Chance | None
    languages: tuple[str, ...]
    fit: LanguageFit


@dataclass(frozen=True, slots=True)
class Ranking:
    """The hits of a search, best first, and its relevance signals."""

    hits: tuple[ScoredPassage, ...]
    signals: Signals
    lexical_only: bool


class Retriever:
    """Searches the live index version. Below a relevance of `min_score` (0 to 1), the posts do not answer."""

    def __init__(self, redis: Redis, embedder: Embedder, min_score: float | None = None) -> None:
        self._redis = redis
        self._embedder = embedder
        self._min_score = DEFAULT_MIN_SCORE if min_score is None else min_score
        self._live: _Live | None = None
        self._live_until = 0.0
        self._upgrading = asyncio.Lock()

    async def search(
        self, text: str, previous: str = "", sources: frozenset[str] | None = None, dates: str = ""
    ) -> SearchResults:
        """Search the posts of `sources`, None for all, and of the `dates` that `date_filter` describes.

        A follow-up is searched alone and together with the `previous` question, and all rankings are fused. If the
        question cannot be embedded, only words are searched; if they find nothing either, the reason is raised.
        Addresses are not searched.
        """
        text, previous = without_addresses(text), without_addresses(previous)
        filter_ = f"{source_filter(sources)} {dates}".strip()
        searchable = text.strip() and sources != frozenset()
        with timed("retrieve"):
            found = await self._rank_live(_texts(text, previous), filter_) if searchable else None
        if found is None:
            return SearchResults((), 0.0, "none")
        live, ranking = found
        relevance = relevance_of(ranking.signals, live.chance)
        best = ranking.hits[0].score if ranking.hits else 1.0
        hits = tuple(replace(hit, score=round(relevance * hit.score / best, 4)) for hit in ranking.hits)
        confidence = judge(relevance, self._min_score) if hits else "none"
        foreign = confidence == "none" and not ranking.lexical_only and await live.fit.is_foreign(text)
        return SearchResults(hits, round(relevance, 4), confidence, ranking.lexical_only, foreign)

    async def newest(self, sources: frozenset[str] | None = None, dates: str = "") -> SearchResults:
        """Return the newest posts, newest first."""
        live = await self._current()
        if live is None or sources == frozenset():
            return SearchResults((), 0.0, "none")
        hits = await newest_passages(self._redis, live.version.index, f"{source_filter(sources)} {dates}".strip())
        return SearchResults(hits, 1.0 if hits else 0.0, "sure" if hits else "none")

    async def signals(self, text: str, previous: str = "") -> Signals:
        """Return the relevance signals of a question, to fit the model that judges them."""
        found = await self._rank_live(_texts(without_addresses(text), without_addresses(previous)), "")
        return found[1].signals if found else Signals(WordSignals())

    def select(self, results: SearchResults, limit: int) -> tuple[ScoredPassage, ...]:
        """Select the passages for an answer: at most `limit`, at most three per post, neighbours merged into one."""
        groups: list[list[ScoredPassage]] = []
        for hit in results.hits:
            neighbours = next((group for group in groups if _adjoins(group, hit)), None)
            if sum(len(group) for group in groups if _same_post(group[0], hit)) == MAX_PER_POST:
                continue
            if neighbours is not None:
                neighbours.append(hit)
            elif len(groups) < limit:
                groups.append([hit])
            else:
                break
        return tuple(map(_merged, groups))

    async def _rank_live(self, texts: Sequence[str], filter_: str) -> tuple[_Live, Ranking] | None:
        """Rank on the live version. Return None before the first publication."""
        live = await self._current()
        try:
            return (live, await self._rank(live, texts, filter_)) if live else None
        except ResponseError as error:
            if not no_such_index(error):
                raise
        # Another index has just replaced the cached one.
        self._live = None
        live = await self._current()
        return (live, await self._rank(live, texts, filter_)) if live else None

    async def _current(self) -> _Live | None:
        if monotonic() < self._live_until and self._live:
            return self._live
        found = await read_live(self._redis)
        if found and (self._live is None or found.metadata != self._live.metadata):
            found = await self._upgraded(found)
        if found is None:
            return None
        chance = found.metadata.get("chance")
        fit = LanguageFit.of(found.languages, found.version.vector_spec.model)
        known = Chance.from_json(chance) if chance else None
        self._live = _Live(found.version, found.metadata, known, found.languages, fit)
        self._live_until = monotonic() + METADATA_TTL
        return self._live

    async def _upgraded(self, live: LiveIndex) -> LiveIndex | None:
        if not await needs_upgrade(self._redis, live):
            return live
        async with self._upgrading:
            again = await read_live(self._redis)
            if again and await needs_upgrade(self._redis, again):
                await upgrade(self._redis, again.version)
        return await read_live(self._redis)

    async def _rank(self, live: _Live, texts: Sequence[str], filter_: str) -> Ranking:
        """Run both searches for all texts; words are searched while the texts are being embedded."""
        version = live.version
        try:
            async with asyncio.TaskGroup() as tasks:
                embedding = tasks.create_task(self._vectors(version, texts))
                text_search = tasks.create_task(self._search_words(live, texts, filter_))
        except* RedisError as group:
            raise group.exceptions[0] from group
        terms, text_rankings = text_search.result()
        found = embedding.result()
        lexical_only = isinstance(found, FootnotedError)
        if isinstance(found, FootnotedError) and not any(text_rankings):
            raise found  # nothing is known about the question, so it must not be refused
        blobs = [] if isinstance(found, FootnotedError) else [version.vector_spec.blob(vector) for vector in found]
        vector_rankings = await vector_search(self._redis, version.index, blobs, filter_) if blobs else []
        meaning = await live.fit.vector_weight(texts[0])
        weights = [1 - meaning] * len(text_rankings) + [meaning] * len(vector_rankings)
        fused = fuse([*text_rankings, *vector_rankings], weights)
        read = await read_passages(self._redis, version.index, list(fused)[:RERANKED])
        passages = {key: passage for key, (passage, _) in read.items()}
        coverages = [TermCoverage(each) for each in terms]
        covered = {key: _coverage(coverages, stored) for key, (_, stored) in read.items()}
        scores = {key: fused[key] + SENTENCE_BONUS * covered[key].sentence for key in passages}
        order = sorted(passages, key=lambda key: (-round(scores[key], EQUAL_DIGITS), _age(passages[key]), key))
        by_vector, by_text = fuse(vector_rankings), fuse(text_rankings)
        hits = tuple(
            ScoredPassage(
                passages[key], scores[key], round(by_vector.get(key, 0.0), 4), round(by_text.get(key, 0.0), 4)
            )
            for key in order
        )
        words = [
            _word_signals(asked, scores, max((covered[key].passages[row] for key in order[:TOP_PASSAGES]), default=0.0))
            for row, (asked, scores) in enumerate(zip(terms, text_rankings, strict=True))
        ]
        leans = sum(term.weight for term in terms[0] if term.idf) < LEANING_TERMS
        cosine = max(vector_rankings[0].values(), default=0.0) if blobs else None
        signals = Signals(words[0], words[1] if leans and len(words) > 1 else WordSignals(), cosine)
        return Ranking(hits, signals, lexical_only)

    async def _vectors(self, version: IndexVersion, texts: Sequence[str]) -> Vectors | FootnotedError:
        """Embed the texts, or return why only words can be searched."""
        model, dimensions = version.vector_spec.model, version.vector_spec.dimensions
        try:
            if model != self._embedder.name:
                raise EmbeddingMismatchError(f"the posts were indexed with {model}")
            with timed("embed"):
                vectors = await self._embedder.embed(texts)
            if vectors.shape[1] != dimensions:
                raise EmbeddingMismatchError(f"the question has {vectors.shape[1]} dimensions, the posts {dimensions}")
        except (ModelError, EmbeddingMismatchError) as error:
            reason = "embedding failed" if isinstance(error, ModelError) else str(error)
            log.warning("vector search skipped", reason=reason, cause=str(error))
            return error
        return vectors

    async def _search_words(
        self, live: _Live, texts: Sequence[str], filter_: str
    ) -> tuple[list[list[Term]], list[dict[str, float]]]:
        words = [query_words(text, live.languages) for text in texts]
        terms = await term_idf(self._redis, live.version.index, words, filter_)
        return terms, await bm25_search(self._redis, live.version.index, terms, filter_)


class _Coverage(NamedTuple):
    sentence: float
    passages: tuple[float, ...]


def _coverage(coverages: Sequence[TermCoverage], stored: str) -> _Coverage:
    """Return the coverage by the best sentence, on average over the texts, and by the passage for each text."""
    shares = [coverage.coverage(stored) for coverage in coverages]
    return _Coverage(sum(sentence for sentence, _ in shares) / len(shares), tuple(whole for _, whole in shares))


def _word_signals(terms: Sequence[Term], scores: Mapping[str, float], coverage: float) -> WordSignals:
    """Return the signals of one text: its BM25 scores, and its coverage by the best of the first passages."""
    total = sum(term.idf for term in terms)
    if not total:
        return WordSignals()
    words = sum(term.idf * term.weight for term in terms) / terms[0].rarest
    return WordSignals(max(scores.values(), default=0.0) / total, words * coverage)


def _age(passage: Passage) -> float:
    """Return a number that is smaller for newer passages; the largest for one without a date."""
    return -passage.published.timestamp() if passage.published else math.inf


def _texts(text: str, previous: str) -> list[str]:
    return [text, f"{previous}\n{text}"] if previous else [text]


def _same_post(one: ScoredPassage, other: ScoredPassage) -> bool:
    return one.passage.url == other.passage.url


def _adjoins(group: Sequence[ScoredPassage], hit: ScoredPassage) -> bool:
    same_page = _same_post(group[0], hit) and group[0].passage.page == hit.passage.page
    return same_page and any(abs(hit.passage.position - other.passage.position) == 1 for other in group)


def _merged(group: list[ScoredPassage]) -> ScoredPassage:
    """Merge neighbours into one passage in the order of the post, with the score of the best."""
    best = max(group, key=lambda hit: hit.score)
    if len(group) == 1:
        return best
    in_order = sorted(group, key=lambda hit: hit.passage.position)
    text = "\n\n".join(hit.passage.text for hit in in_order)
    return replace(best, passage=replace(in_order[0].passage, text=text))
