"""The check whether a passage supports the statement in front of its footnote.

A statement that a model takes from a passage repeats most of its rare words, numbers and names. Where they do not tell,
its meaning may, if vectors of sentences can be had without a request. `benchmarks/citations.py` measures the limits.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from core.domain import Passage
from core.language.sentences import split_sentences
from core.language.stop_words import stop_words
from core.language.terms import terms
from core.language.words import WORD, is_unspaced, normalize, without_addresses
from core.models.protocols import NumberedPassage, SentenceVectors, Vectors

MIN_WORDS = 3
"""Telling words that a statement needs to be judged; shorter ones are read with the sentence before them."""

MIN_MARGIN = 0.5
"""The support of a passage plus its lead over the best of the others, below which a footnote is wrong."""

MIN_CORRECTION = 0.6
"""The same for a passage that a wrong footnote is changed to."""

MIN_COSINE = 0.4
MIN_COSINE_LEAD = 0.15
"""The meaning of a statement in other words is at least this near to its passage, and nearer by this than to any other;
and no other passage has more of its words."""

WHOLE_SHARE = 0.3
"""How much of the support is what the whole post says; the rest is what its best two sentences say."""

NUMBER_WEIGHT = 2.0
NAME_WEIGHT = 1.5

MIN_SHARED = 0.25
"""The share of an answer's words, common ones included, that occur in passages of its language."""

MIN_LENGTH = 1e-6
"""Of a vector that is divided by its length."""

MAX_STATEMENT = 800
"""Characters before a footnote that are read."""

_CODE = re.compile(r"`[^`\n]*`")
_LIST_MARK = re.compile(r"^[ \t>]*\d{1,3}[.)][ \t]+", re.MULTILINE)
_BREAK = re.compile(
    r"[\[【［](?:[^\W\d_]{1,12}[:.]? ?|[\^# ])?\d[^\[\]【】\n]{0,120}[\]】］]|\n+"
    r"|(?<=[.!?…؟।])[\"'”’)\]*_]*\s+|(?<=[。！？])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Post:
    """The passages that were given under one number: their sentences, all terms, and those of each two sentences."""

    sentences: tuple[str, ...]
    terms: frozenset[str]
    stretches: tuple[frozenset[str], ...]


class CitationVerifier:
    """Compares statements with the passages of one prompt, in the language that most of these are in."""

    def __init__(self, passages: Iterable[NumberedPassage], vectors: SentenceVectors | None = None) -> None:
        given: dict[int, list[Passage]] = {}
        for numbered in passages:
            given.setdefault(numbered.number, []).append(numbered.passage)
        languages = Counter(passage.language for parts in given.values() for passage in parts)
        self._language = languages.most_common(1)[0][0] if languages else ""
        self._ignored = stop_words(self._language)
        self._posts = {number: _post(parts, self._language) for number, parts in given.items()}
        self._vectors = vectors if vectors and self._language in vectors.languages else None
        self._meanings: dict[int, Vectors] = {}
        self._common = {sign for post in self._posts.values() for term in post.terms for sign in _signs(term)}

    def verify(self, text: str, numbers: Sequence[int]) -> dict[int, float | None]:
        """Return the numbers that belong behind a text, each with its support from 0 to 1, or None if not judged.

        An unsupported number is left out, or replaced by the one of a passage that supports the statement.
        """
        text = _LIST_MARK.sub("", text[-MAX_STATEMENT:])
        nearest, whole = map(without_addresses, self._statements(text))
        supports = self._supports(nearest)
        supported = {number for number in numbers if _margin(supports, number, numbers) >= MIN_MARGIN}
        if len(supported) == len(numbers):
            return {number: supports[number] for number in numbers}
        if not supports or not self._is_same_language(text):
            return dict.fromkeys(numbers)
        # The last sentence of a paragraph may say little itself.
        whole_supports = self._supports(whole) if whole != nearest else {}
        cosines = self._cosines(nearest)
        verified: dict[int, float | None] = {}
        for number in numbers:
            if number in supported:
                verified[number] = supports[number]
            elif _margin(whole_supports, number, numbers) >= MIN_MARGIN:
                verified[number] = whole_supports[number]
            elif _means_the_same(number, supports, cosines, numbers):
                verified[number] = max(supports[number], cosines[number])
            elif (better := _best(supports, cosines, numbers)) is not None:
                verified.setdefault(better, max(supports[better], cosines.get(better, 0.0)))
        return verified

    def _cosines(self, statement: str) -> dict[int, float]:
        """Return how near the meaning of each post's best two sentences is to a statement; empty without vectors."""
        if self._vectors is None or (vector := self._vectors([statement])) is None:
            return {}
        for number, post in self._posts.items():
            if number not in self._meanings and (rows := self._vectors(post.sentences)) is not None:
                self._meanings[number] = _stretches(rows)
        return {number: float((rows @ vector[0]).max(initial=0.0)) for number, rows in self._meanings.items()}

    def _supports(self, statement: str) -> dict[int, float]:
        """Return how much of a statement each post says, by number; empty if it has too few telling words."""
        weights = self._weights(statement)
        total = sum(weights.values())
        return {
            number: (
                WHOLE_SHARE * _weight(weights, post.terms)
                + (1 - WHOLE_SHARE) * max(_weight(weights, stretch) for stretch in post.stretches)
            )
            / total
            for number, post in self._posts.items()
            if len(weights) >= MIN_WORDS
        }

    def _weights(self, statement: str) -> dict[str, float]:
        """Return the telling terms of a statement: those that few of the posts contain weigh more."""
        weights: dict[str, float] = {}
        for position, word in enumerate(WORD.findall(statement)):
            if normalize(word) in self._ignored:
                continue
            is_number = any(map(str.isdecimal, word))
            kind = NUMBER_WEIGHT if is_number else NAME_WEIGHT if position and word[0].isupper() else 1.0
            for term in _terms(word, self._language):
                containing = sum(term in post.terms for post in self._posts.values())
                weight = kind * math.log(1 + (len(self._posts) + 1) / (containing + 0.5))
                weights[term] = max(weight, weights.get(term, 0.0))
        return weights

    def _is_same_language(self, text: str) -> bool:
        """Return whether the text is in the language of the passages, so that its words can be compared.

        Names, numbers and code are the same in every language.
        """
        words = [word for word in WORD.findall(_CODE.sub(" ", text)) if not any(map(str.isdecimal, word))]
        common = [word for word in words if not word[0].isupper()] or words
        signs = [sign for word in common for term in _terms(word, self._language) for sign in _signs(term)]
        return sum(sign in self._common for sign in signs) >= MIN_SHARED * len(signs)

    def _statements(self, text: str) -> tuple[str, str]:
        """Return what a footnote behind the text may refer to: the last sentence or clause, and all since the last one.

        Footnotes without words between them refer to the same.
        """
        pieces: list[str] = []
        at = 0
        for end in _BREAK.finditer(text):
            pieces += (text[at : end.start()], end[0])
            at = end.end()
        pieces.append(text[at:])
        nearest, since, has_words = "", "", False
        for position in range(len(pieces) - 1, -1, -1):
            piece = pieces[position]
            is_mark = piece[:1] in ("[", "【", "［")
            # A paragraph of a few words is not read with the one before it, unless that introduces it.
            begins_paragraph = piece.count("\n") > 1 and (nearest or not pieces[position - 1].endswith(":"))
            if (since and is_mark) or (has_words and begins_paragraph):
                break
            has_words = has_words or (not is_mark and WORD.search(piece) is not None)
            if not is_mark and (since or self._telling(piece)):
                since = f"{piece} {since}"
                nearest = nearest or (since if self._telling(since) >= MIN_WORDS else "")
        return nearest or since, since

    def _telling(self, text: str) -> int:
        return sum(normalize(word) not in self._ignored for word in WORD.findall(text))


def _post(parts: Sequence[Passage], language: str) -> _Post:
    texts = tuple(sentence for part in parts for sentence in split_sentences(part.text, language))
    sentences = [frozenset(terms(sentence, language)) for sentence in texts]
    titles = terms(" ".join(f"{part.title} {part.heading}" for part in parts), language)
    stretches = [first | second for first, second in pairwise(sentences)] or sentences
    return _Post(texts, frozenset(titles).union(*sentences), (frozenset(titles), *stretches))


@lru_cache(maxsize=50_000)
def _terms(word: str, language: str) -> tuple[str, ...]:
    return tuple(terms(word, language))


def _signs(term: str) -> Iterable[str]:
    """Return what tells a term's language: the term itself, or its characters in scripts without blanks."""
    return term if is_unspaced(term) else (term,)


def _weight(weights: Mapping[str, float], terms: frozenset[str]) -> float:
    return sum(weight for term, weight in weights.items() if term in terms)


def _margin(supports: Mapping[int, float], number: int, cited: Sequence[int]) -> float:
    """Return the support of a post plus its lead over the best post that is not cited."""
    if not supports:
        return 0.0
    others = (support for other, support in supports.items() if other != number and other not in cited)
    return 2 * supports[number] - max(others, default=0.0)


def _stretches(sentences: Vectors) -> Vectors:
    """Return the vectors of sentences and of each two of them, of length 1."""
    both = sentences[:-1] + sentences[1:]
    lengths = np.linalg.norm(both, axis=1, keepdims=True)
    return np.concatenate([sentences, both / np.maximum(lengths, MIN_LENGTH)])


def _means_the_same(
    number: int, supports: Mapping[int, float], cosines: Mapping[int, float], beside: Sequence[int] = ()
) -> bool:
    """Return whether a post says a statement in other words, and none but those `beside` it has more of its words."""
    if not cosines:
        return False
    others = [other for other in cosines if other != number and other not in beside]
    lead = cosines[number] - max((cosines[other] for other in others), default=0.0)
    return (
        cosines[number] >= MIN_COSINE
        and lead >= MIN_COSINE_LEAD
        and all(supports[number] >= supports[other] for other in others)
    )


def _best(supports: Mapping[int, float], cosines: Mapping[int, float], cited: Sequence[int]) -> int | None:
    """Return the number of the post that supports a statement best, if it supports it and is not cited."""
    best = max((number for number in supports if number not in cited), key=supports.__getitem__, default=None)
    if best is None:
        return None
    supported = _margin(supports, best, cited) >= MIN_CORRECTION or _means_the_same(best, supports, cosines)
    return best if supported else None
