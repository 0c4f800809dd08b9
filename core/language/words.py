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

_UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1100-\u11ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
    r"\U00020000-\U0003ffff"
)
_RUN = regex.compile(rf"(?P<unspaced>[{_UNSPACED}]+)|[^{_UNSPACED}]+")


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
                yield run[0], run["unspaced"] is not None


def is_unspaced(text: str) -> bool:
    """Return whether a text begins in a script without blanks between words."""
    run = _RUN.match(text)
    return run is not None and run["unspaced"] is not None


def pairs(run: str) -> list[str]:
    """Return the overlapping pairs of characters of a run: a word of two or more is found by its pairs."""
    return [run[at : at + 2] for at in range(max(1, len(run) - 1))]


def without_addresses(text: str) -> str:
    """Return a text without its web addresses; unchanged if no word would be left."""
    rest = " ".join(_ADDRESS.sub(" ", text).split()) if _ADDRESS.search(text) else text
    return rest if words(rest) else text
