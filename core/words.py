"""Words, stop words and stems, as used by search and matching."""

import re
from functools import lru_cache

import snowballstemmer

_WORD = re.compile(r"\w*[^\W_]\w*")
# Punctuation at the end belongs to the sentence; the rest of a Markdown link or of Slack's `<address|label>` stays.
_ADDRESS = re.compile(r"(?:https?://|\bwww\.)[^\s<>|\"`\[\]]*[^\s<>|\"`\[\].,;:!?)'*_]", re.IGNORECASE)
_stemmer = snowballstemmer.stemmer("english")

STOPWORDS = frozenset(
    "a about above after again all also am an and any are as at be been before being between both but by can could "
    "did do does doing done down during each for from further had has have having he her here hers him his how i if "
    "in into is it its itself just may me might more most must my no nor not of off on once only or other our out "
    "over own same she should so some such than that the their them then there these they this those through to too "
    "under until up upon us very was we were what when where which while who whom whose why will with would you your "
    "d don doesn didn isn aren wasn weren wouldn couldn shouldn hasn haven hadn ll m re s t ve many much please tell "
    "hello hi hey thanks thank ok okay bye".split()
)
"""Words without topical meaning: function words, question words, greetings, and remnants of contractions."""


def words(text: str) -> list[str]:
    """Return the lower-cased words and numbers of a text, in order."""
    return _WORD.findall(text.lower())


def without_addresses(text: str) -> str:
    """Return a text without its web addresses; unchanged if no word would be left."""
    rest = " ".join(_ADDRESS.sub(" ", text).split()) if _ADDRESS.search(text) else text
    return rest if words(rest) else text


def content_words(text: str) -> list[str]:
    """Return the distinct words that are not stop words, in order; all words if there are only stop words."""
    distinct = list(dict.fromkeys(words(text)))
    return [word for word in distinct if word not in STOPWORDS] or distinct


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """Return the English stem of a word: `indexes`, `indexing` → `index`."""
    return str(_stemmer.stemWord(word))
