"""The words of a question, weighed by how rare they are in the posts, and found again in texts."""

import re
from bisect import bisect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.words import stem

_SENTENCE_END = re.compile(r"[.!?](?=\s)|[。！？\n]")
_WORD = re.compile(r"\b\w+")


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


class TermCoverage:
    """Says which share of a question stands in a text, by the weight of its words."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self._weights: dict[str, float] = {}
        self._misspelt: list[str] = []
        for term in terms:
            name = term.word if term.misspelt else stem(term.word)
            self._weights[name] = max(self._weights.get(name, 0.0), term.rarity)
            if term.misspelt:
                self._misspelt.append(term.word)
        self._total = sum(self._weights.values()) or 1.0
        # Stemming changes the ends of words, by few letters: what is looked for is how the words of the question begin.
        self._beginnings = {name: name[: max(2, len(name) - 2)] for name in self._weights if name not in self._misspelt}

    def shares(self, head: str, text: str) -> tuple[float, float]:
        """The share of the question that one sentence holds at best, and the share that all together hold; `head` is
        the title and the heading, which stand over every sentence. Both lie between 0 and 1."""
        above = set().union(*self._sentences(head))
        sentences = [above | sentence for sentence in self._sentences(text)]
        return max(map(self._share, sentences)), self._share(set().union(*sentences))

    def _share(self, found: set[str]) -> float:
        return sum(self._weights[name] for name in found) / self._total

    def _sentences(self, text: str) -> list[set[str]]:
        """The question's words in each sentence of a text that has any; an empty set at least."""
        text = text.lower()
        ends = [match.start() for match in _SENTENCE_END.finditer(text)]
        found: dict[int, set[str]] = {}
        for at, name in self._places(text):
            found.setdefault(bisect(ends, at), set()).add(name)
        return list(found.values()) or [set()]

    def _places(self, text: str) -> Iterator[tuple[int, str]]:
        """Where which word stands. Searching for beginnings is much faster than looking at all words."""
        for name, beginning in self._beginnings.items():
            at = text.find(beginning)
            while at >= 0:
                word = _WORD.match(text, at)
                if word and stem(word[0]) == name:
                    yield at, name
                at = text.find(beginning, at + 1)
        for misspelt in self._misspelt:
            for word in _WORD.finditer(text):
                if one_edit_apart(word[0], misspelt):
                    yield word.start(), misspelt


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
