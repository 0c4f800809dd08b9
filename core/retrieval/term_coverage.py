"""Term coverage: how much of a question, weighted by the idf of its terms, a text contains."""

import re
from bisect import bisect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from core.words import stem

_SENTENCE_END = re.compile(r"[.!?](?=\s)|[。！？\n]")
_WORD = re.compile(r"\b\w+")


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the question with its inverse document frequency. A `misspelt` word is in no post, but one that differs
    by one letter is. `rarest` is the idf of a word that is in one passage."""

    word: str
    idf: float
    misspelt: bool = False
    rarest: float = 1.0

    @property
    def query(self) -> str:
        """The term in RediSearch's query language."""
        return f"%{self.word}%" if self.misspelt else self.word


class TermCoverage:
    """Measures the share of a question that a text contains, by the weight of its terms."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self._weights: dict[str, float] = {}
        self._misspelt: list[str] = []
        for term in terms:
            name = term.word if term.misspelt else stem(term.word)
            self._weights[name] = max(self._weights.get(name, 0.0), term.idf)
            if term.misspelt:
                self._misspelt.append(term.word)
        self._total = sum(self._weights.values()) or 1.0
        # Stemming changes only a few letters at the end of a word, so texts are searched for the beginnings.
        self._beginnings = {name: name[: max(2, len(name) - 2)] for name in self._weights if name not in self._misspelt}

    def coverage(self, head: str, text: str) -> tuple[float, float]:
        """Return the coverage by the best sentence and by the whole text, both between 0 and 1. `head`, the title and
        heading, counts for every sentence."""
        in_head = set().union(*self._sentences(head))
        sentences = [in_head | sentence for sentence in self._sentences(text)]
        return max(map(self._share, sentences)), self._share(set().union(*sentences))

    def _share(self, found: set[str]) -> float:
        return sum(self._weights[name] for name in found) / self._total

    def _sentences(self, text: str) -> list[set[str]]:
        """Return the terms in each sentence that has any, at least one empty set."""
        text = text.lower()
        ends = [match.start() for match in _SENTENCE_END.finditer(text)]
        found: dict[int, set[str]] = {}
        for at, name in self._occurrences(text):
            found.setdefault(bisect(ends, at), set()).add(name)
        return list(found.values()) or [set()]

    def _occurrences(self, text: str) -> Iterator[tuple[int, str]]:
        """Yield the position of each occurrence. Searching for beginnings is much faster than stemming every word."""
        for name, beginning in self._beginnings.items():
            at = text.find(beginning)
            while at >= 0:
                word = _WORD.match(text, at)
                if word and stem(word[0]) == name:
                    yield at, name
                at = text.find(beginning, at + 1)
        for misspelt in self._misspelt:
            for word in _WORD.finditer(text):
                if within_one_edit(word[0], misspelt):
                    yield word.start(), misspelt


def within_one_edit(one: str, other: str) -> bool:
    """Return whether at most one insertion, deletion or substitution separates two words with the same first letter."""
    return one[:1] == other[:1] and Levenshtein.distance(one, other, score_cutoff=1) <= 1
