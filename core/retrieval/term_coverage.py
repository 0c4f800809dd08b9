"""Term coverage: how much of a question, weighted by the idf of its words, a passage contains."""

from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the question with its inverse document frequency, and its `variants`: the terms of the index that stand
    for it. A `misspelt` word is in no post, but one that differs by one letter is. `rarest` is the idf of a word that
    is in one passage. It counts for `weight` words."""

    word: str
    idf: float
    variants: tuple[str, ...]
    misspelt: bool = False
    rarest: float = 1.0
    weight: float = 1.0

    @property
    def query(self) -> str:
        """The term in RediSearch's query language."""
        return fuzzy_query(self.word, self.variants) if self.misspelt else "|".join(self.variants)


def fuzzy_query(word: str, variants: Iterable[str]) -> str:
    """Return the query for terms that differ from a word, or from its stem, by one letter."""
    return "|".join(f"%{each}%" for each in dict.fromkeys((word, *variants)))


class TermCoverage:
    """Measures the share of a question that a passage contains, by the weight of its terms."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self._weights: dict[str, float] = {}
        self._names: dict[str, str] = {}
        self._misspelt: list[Term] = []
        for term in terms:
            # Forms of one word count once.
            name = next((self._names[variant] for variant in term.variants if variant in self._names), term.word)
            self._weights[name] = max(self._weights.get(name, 0.0), term.idf)
            if term.misspelt:
                self._misspelt.append(term)
            else:
                self._names.update(dict.fromkeys(term.variants, name))
        self._total = sum(self._weights.values()) or 1.0

    def coverage(self, stored: str) -> tuple[float, float]:
        """Return the coverage by the best sentence and by the whole passage, both between 0 and 1, given its stored
        terms. Title and heading count for every sentence."""
        head, *sentences = map(self._found, stored.split(";"))
        best = max((self._share(head | sentence) for sentence in sentences), default=self._share(head))
        return best, self._share(head.union(*sentences))

    def _share(self, found: set[str]) -> float:
        return sum(self._weights[name] for name in found) / self._total

    def _found(self, stored: str) -> set[str]:
        terms = set(stored.split())
        found = {self._names[term] for term in self._names.keys() & terms}
        for term in self._misspelt:
            forms = (term.word, *term.variants)
            if any(within_one_edit(each, form) for each in terms for form in forms):
                found.add(term.word)
        return found


def within_one_edit(one: str, other: str) -> bool:
    """Return whether at most one insertion, deletion or substitution separates two words with the same first letter."""
    return one[:1] == other[:1] and Levenshtein.distance(one, other, score_cutoff=1) <= 1
