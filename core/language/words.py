"""Words of a text in any script, normalised so that all spellings of a word are equal."""

import re
import unicodedata
from collections.abc import Iterator

import regex

# Without their marks, Hindi, Thai or decomposed Latin words would fall apart.
WORD = regex.compile(r"[\w\p{M}]*[^\W_][\w\p{M}]*")
# Punctuation at the end belongs to the sentence; the rest of a Markdown link or of Slack's `<address|label>` stays.
_ADDRESS = re.compile(r"(?:https?://|\bwww\.)[^\s<>|\"`\[\]]*[^\s<>|\"`\[\].,;:!?)'*_]", re.IGNORECASE)

# Vowel points and cantillation of Arabic and Hebrew, which most writers leave out; tatweel; joiners; soft hyphens.
_OPTIONAL = regex.compile(
    r"[\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\xad\u200b-\u200f\u2060]"
)
# Persian keyboards type other code points for the same letters; İ would be folded to two characters.
_SAME_LETTER = str.maketrans({"\u06cc": "\u064a", "\u06a9": "\u0643", "\u0130": "i"})

# Scripts without blanks between words, by what a character stands for: a syllable or more, or a letter.
SYLLABLES = (
    r"\u1100-\u11ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
LETTERS = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_RUN = regex.compile(rf"(?P<syllables>[{SYLLABLES}]+)|(?P<letters>[{LETTERS}]+)|[^{SYLLABLES}{LETTERS}]+")


def normalize(text: str) -> str:
    """Return a text in compatibility form (NFKC), without case and without optional marks."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", _OPTIONAL.sub("", text).translate(_SAME_LETTER).casefold())


def words(text: str) -> list[str]:
    """Return the normalised words and numbers of a text, in order."""
    return WORD.findall(normalize(text))


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the words of a text, with whether each is a run of a script without blanks between words."""
    for word in words(text):
        if word.isascii():
            yield word, False
        else:
            for run in _RUN.finditer(word):
                yield run[0], run.lastgroup is not None


def is_unspaced(text: str) -> bool:
    """Return whether a text begins in a script without blanks between words."""
    run = _RUN.match(text)
    return run is not None and run.lastgroup is not None


def grams(run: str) -> list[str]:
    """Return the overlapping parts by which the words of a run are found: two syllables, or three letters."""
    size = 3 if _is_alphabetic(run) else 2
    return [run[at : at + size] for at in range(max(1, len(run) - size + 1))]


def words_per_gram(run: str) -> float:
    """Return how many words a gram of this run counts for; with more, a few common grams would be taken for a topic."""
    return 0.25 if _is_alphabetic(run) else 0.7


def count_words(run: str) -> int:
    """Estimate how many words a run has."""
    return -(-len(run) // (4 if _is_alphabetic(run) else 2))


def _is_alphabetic(run: str) -> bool:
    found = _RUN.match(run)
    return found is not None and found.lastgroup == "letters"


def without_addresses(text: str) -> str:
    """Return a text without its web addresses; unchanged if no word would be left."""
    rest = " ".join(_ADDRESS.sub(" ", text).split()) if _ADDRESS.search(text) else text
    return rest if words(rest) else text
