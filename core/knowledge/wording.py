"""The words of a question, weighed by how rare they are in the posts, and found again in texts."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from core.words import stem, words

_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+|\n")


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the question. `rarity` is its inverse document frequency. A `misspelt` word stands in no post, but one
    that differs by one letter does."""

    word: str
    rarity: float
    misspelt: bool = False

    @property
    def query(self) -> str:
        """As RediSearch reads it."""
        return f"%{self.word}%" if self.misspelt else self.word


class Wording:
    """Says which share of a question stands in a text, by the weight of its words."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self._weights: dict[str, float] = {}
        self._misspelt: list[str] = []
        for term in terms:
            name = term.word if term.misspelt else stem(term.word)
            self._weights[name] = max(self._weights.get(name, 0.0), term.rarity)
            if term.misspelt:
                self._misspelt.append(term.word)
        # Stemming changes the ends of words: what begins otherwise than all of the question's words need not be tried.
        self._beginnings = {name[:2] for name in self._weights} | {word[:1] for word in self._misspelt}
        self._total = sum(self._weights.values()) or 1.0

    def in_sentence(self, head: str, text: str) -> tuple[float, float]:
        """The share of the question that one sentence holds at best, and the share that all together hold; `head` is
        the title and the heading, which stand over every sentence. Both lie between 0 and 1."""
        above = self._found(head)
        found = [above | self._found(sentence) for sentence in _SENTENCE_END.split(text)]
        return max(map(self._share, found)), self._share(set().union(*found))

    def _share(self, found: set[str]) -> float:
        return sum(self._weights[name] for name in found) / self._total

    def _found(self, text: str) -> set[str]:
        found = set()
        for word in set(words(text)):
            if word[:2] not in self._beginnings and word[:1] not in self._beginnings:
                continue
            stemmed = stem(word)
            if stemmed in self._weights:
                found.add(stemmed)
            for misspelt in self._misspelt:
                if one_edit_apart(word, misspelt):
                    found.add(misspelt)
        return found


def one_edit_apart(one: str, other: str) -> bool:
    """Whether one letter more, less or different makes one word of the other; the first letter has to be the same."""
    if one[:1] != other[:1]:
        return False
    shorter, longer = sorted((one, other), key=len)
    if len(longer) - len(shorter) > 1:
        return False
    same = next((i for i, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    rest = shorter[same + 1 :] if len(shorter) == len(longer) else shorter[same:]
    return rest == longer[same + 1 :]
