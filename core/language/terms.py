"""Terms: words as they are indexed. Posts and questions go through the same analysis, so that RediSearch only compares.

A term is the stem of a word in the language of its text (Snowball), the word itself in a language without a stemmer, or
a few characters in a script without blanks.
"""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import Stemmer

from core.language.sentences import split_sentences
from core.language.stop_words import stop_words
from core.language.words import grams, pieces, words_per_gram

_ALGORITHMS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish",
    "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "st": "sesotho", "sv": "swedish",
    "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip


class _Stemmers(threading.local):
    """Snowball's stemmers, which may not be shared between threads."""

    def __init__(self) -> None:
        self._by_language: dict[str, Stemmer.Stemmer | None] = {}

    def stem(self, word: str, language: str) -> str:
        if language not in self._by_language:
            algorithm = _ALGORITHMS.get(language)
            self._by_language[language] = Stemmer.Stemmer(algorithm) if algorithm else None
        stemmer = self._by_language[language]
        return str(stemmer.stemWord(word)) if stemmer else word


_stemmers = _Stemmers()


def stem(word: str, language: str) -> str:
    """Return the stem of a normalised word: in English, `indexes`, `indexing` → `index`."""
    return _stemmers.stem(word, language)


def terms(text: str, language: str) -> list[str]:
    """Return the terms of a text, in order and with repetitions."""
    found: list[str] = []
    for piece, unspaced in pieces(text):
        if unspaced:
            found += grams(piece)
        else:
            found.append(_stemmers.stem(piece, language))
    return found


def terms_by_sentence(head: str, text: str, language: str) -> str:
    """Return the terms as they are stored: those of the head, then those of each sentence, with `;` in between.

    RediSearch takes a line break for a letter.
    """
    lines = [" ".join(terms(head, language))]
    for line in filter(str.strip, text.split("\n")):
        lines += filter(None, (" ".join(terms(sentence, language)) for sentence in split_sentences(line, language)))
    return ";".join(lines)


@dataclass(frozen=True, slots=True)
class QueryWord:
    """A word of a question, with the terms under which posts in several languages may have it, and how many words it
    counts for: less than one if it is a part of a run without blanks."""

    word: str
    variants: tuple[str, ...]
    stop_word: bool = False
    weight: float = 1.0


def query_words(text: str, languages: Iterable[str]) -> list[QueryWord]:
    """Return the distinct words of a question that is to be searched in posts in `languages`.

    Stop words are left out, unless there is nothing else.
    """
    languages = tuple(languages) or ("",)
    distinct = list(dict.fromkeys(_query_words(text, languages)))
    return [word for word in distinct if not word.stop_word] or distinct


def _query_words(text: str, languages: tuple[str, ...]) -> Iterator[QueryWord]:
    ignored = _ignored(languages)
    for piece, unspaced in pieces(text):
        if unspaced:
            weight = words_per_gram(piece)
            yield from (QueryWord(gram, (gram,), gram in ignored, weight) for gram in grams(piece))
        else:
            variants = dict.fromkeys(stem(piece, language) for language in languages)
            yield QueryWord(piece, tuple(variants), piece in ignored)


@lru_cache(maxsize=64)
def _ignored(languages: tuple[str, ...]) -> frozenset[str]:
    return frozenset().union(*map(stop_words, languages))
