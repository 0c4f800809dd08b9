"""Finding passages by words and by meaning at the same time, and telling whether they are about the question."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from core.domain import Passage, ScoredPassage, SearchResults
from core.errors import EmbeddingMismatchError, ModelError
from core.index.schema import no_such_index, source_filter
from core.index.version import IndexVersion, live_version, read_metadata
from core.models.protocols import Embedder, Vectors
from core.retrieval.fusion import fuse
from core.retrieval.relevance import DEFAULT_MIN_SCORE, UNCALIBRATED, Calibration, Signals
from core.retrieval.search import bm25_search, read_passages, term_idf, vector_search
from core.retrieval.term_coverage import Term, TermCoverage
from core.telemetry import timed

log = structlog.get_logger()

READ = 24
"""Candidates whose sentences are read."""

SENTENCE_BONUS = 0.5
"""How much the best sentence of a passage counts beside its place in the fused ranking, which runs to 1."""

JUDGED = 5
"""The first passages are those that tell whether the posts are about the question."""

MOST_OF_ONE_POST = 3
KNOWN_FOR = 0.25
"""Seconds for which the live edition's facts are taken as they were; another process may publish a new one."""


@dataclass(frozen=True, slots=True)
class _Live:
    edition: IndexVersion
    calibration: Calibration


@dataclass(frozen=True, slots=True)
class Ranking:
    """A search's candidates, best first, and the signals that tell whether they are about the question."""

    hits: tuple[ScoredPassage, ...]
    signals: Signals
    lexical_only: bool


class Retriever:
    """Searches the live edition. `min_score` (0 to 1) is the relevance below which the posts do not answer."""

    def __init__(self, redis: Redis, embedder: Embedder, min_score: float | None = None) -> None:
        self._redis = redis
        self._embedder = embedder
        self._min_score = DEFAULT_MIN_SCORE if min_score is None else min_score
        self._live: _Live | None = None
        self._live_until = 0.0

    async def search(self, text: str, before: str = "", sources: frozenset[str] | None = None) -> SearchResults:
        """What the posts say about a question. A question that follows another is searched alone and together with
        the one before it, and all rankings are fused. Without vectors for the question, words alone are searched.
        Redis itself leaves out what is of other `sources`."""
        asked = text.strip() and sources != frozenset()
        texts = [text, f"{before}\n{text}"] if before else [text]
        with timed("retrieve"):
            found = await self._rank_live(texts, source_filter(sources)) if asked else None
        if found is None:
            return SearchResults((), 0.0, relevant=False)
        live, ranking = found
        relevance = live.calibration.relevance(ranking.signals, ranking.lexical_only)
        best = ranking.hits[0].score if ranking.hits else 1.0
        matches = tuple(replace(match, score=round(relevance * match.score / best, 4)) for match in ranking.hits)
        relevant = bool(matches) and relevance >= self._min_score
        return SearchResults(matches, round(relevance, 4), relevant, ranking.lexical_only)

    async def signals(self, edition: IndexVersion, texts: Sequence[str], vectors: Vectors) -> list[Signals]:
        """What each text alone reaches on an edition, for its calibration."""
        return [
            (await self._rank(edition, [text], vectors[place : place + 1])).signals for place, text in enumerate(texts)
        ]

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the model that this retriever asks."""
        return await self._embedder.embed(texts)

    def select(self, findings: SearchResults, most: int) -> tuple[ScoredPassage, ...]:
        """The passages for an answer: at most `most`, at most three of one post, neighbours made into one."""
        groups: list[list[ScoredPassage]] = []
        for match in findings.hits:
            neighbours = next((group for group in groups if _adjoins(group, match)), None)
            if sum(len(group) for group in groups if _same_post(group[0], match)) == MOST_OF_ONE_POST:
                continue
            if neighbours is not None:
                neighbours.append(match)
            elif len(groups) < most:
                groups.append([match])
            else:
                break
        return tuple(map(_merged, groups))

    async def _rank_live(self, texts: Sequence[str], within: str) -> tuple[_Live, Ranking] | None:
        """The ranking of the live edition, or None when nothing has been read yet."""
        live = await self._current()
        try:
            return (live, await self._rank(live.edition, texts, within=within)) if live else None
        except ResponseError as error:
            if not no_such_index(error):
                raise
        # Another index has just taken the place of the one that was known.
        self._live = None
        live = await self._current()
        return (live, await self._rank(live.edition, texts, within=within)) if live else None

    async def _current(self) -> _Live | None:
        if monotonic() < self._live_until and self._live:
            return self._live
        edition = await live_version(self._redis)
        if edition is None:
            return None
        facts = await read_metadata(self._redis, edition.number)
        known = facts.get("calibration")
        self._live = _Live(edition, Calibration.from_json(known) if known else UNCALIBRATED)
        self._live_until = monotonic() + KNOWN_FOR
        return self._live

    async def _rank(
        self, edition: IndexVersion, texts: Sequence[str], vectors: Vectors | None = None, within: str = ""
    ) -> Ranking:
        """Both searches for all texts; the words are searched while the texts are still being embedded."""
        try:
            async with asyncio.TaskGroup() as tasks:
                embedding = tasks.create_task(self._vectors(edition, texts, vectors))
                wording = tasks.create_task(self._search_words(edition, texts, within))
        except* RedisError as group:
            raise group.exceptions[0] from group
        terms, words = wording.result()
        found = embedding.result()
        blobs = [edition.vector_spec.blob(vector) for vector in found] if found is not None else []
        meanings = await vector_search(self._redis, edition.index, blobs, within) if blobs else []
        fused = fuse([*words, *meanings])
        passages = await read_passages(self._redis, edition.index, list(fused)[:READ])
        wordings = [TermCoverage(each) for each in terms]
        shares = {key: _shares(wordings, passage) for key, passage in passages.items()}
        scores = {key: fused[key] + SENTENCE_BONUS * shares[key][0] for key in passages}
        order = sorted(passages, key=lambda key: (-scores[key], key))
        meaning, worded = fuse(meanings), fuse(words)
        matches = tuple(
            ScoredPassage(passages[key], scores[key], round(meaning.get(key, 0.0), 4), round(worded.get(key, 0.0), 4))
            for key in order
        )
        signals = Signals(
            cosine=max(meanings[0].values(), default=0.0) if meanings else 0.0,
            passage=max((shares[key][1] for key in order[:JUDGED]), default=0.0),
            sentence=max((shares[key][0] for key in order), default=0.0),
        )
        return Ranking(matches, signals, lexical_only=found is None)

    async def _vectors(self, edition: IndexVersion, texts: Sequence[str], vectors: Vectors | None) -> Vectors | None:
        if vectors is not None:
            return vectors
        if edition.vector_spec.model != self._embedder.name:
            log.warning("words alone are searched", reason=f"the posts were read with {edition.vector_spec.model}")
            return None
        try:
            with timed("embed"):
                vectors = await self._embedder.embed(texts)
        except (ModelError, EmbeddingMismatchError) as error:
            log.warning("words alone are searched", reason="the question was not embedded", cause=str(error))
            return None
        if vectors.shape[1] != edition.vector_spec.dimensions:
            log.warning("words alone are searched", reason=f"the question has {vectors.shape[1]} dimensions")
            return None
        return vectors

    async def _search_words(
        self, edition: IndexVersion, texts: Sequence[str], within: str
    ) -> tuple[list[list[Term]], list[dict[str, float]]]:
        terms = await term_idf(self._redis, edition.index, texts, within)
        return terms, await bm25_search(self._redis, edition.index, terms, within)


def _shares(wordings: Sequence[TermCoverage], passage: Passage) -> tuple[float, float]:
    """The share of the question that the best sentence holds, on average over the texts that were searched, and that
    the passage holds for the one it fits best."""
    head = f"{passage.title} {passage.heading}"
    shares = [wording.shares(head, passage.text) for wording in wordings]
    return sum(sentence for sentence, _ in shares) / len(shares), max(whole for _, whole in shares)


def _same_post(one: ScoredPassage, other: ScoredPassage) -> bool:
    return one.passage.url == other.passage.url


def _adjoins(group: Sequence[ScoredPassage], match: ScoredPassage) -> bool:
    return _same_post(group[0], match) and any(
        abs(match.passage.position - other.passage.position) == 1 for other in group
    )


def _merged(group: list[ScoredPassage]) -> ScoredPassage:
    """Neighbours as one passage, under the score of the best; it stands where the post has it."""
    best = max(group, key=lambda match: match.score)
    if len(group) == 1:
        return best
    in_order = sorted(group, key=lambda match: match.passage.position)
    text = "\n\n".join(match.passage.text for match in in_order)
    return replace(best, passage=replace(in_order[0].passage, text=text))
