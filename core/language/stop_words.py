"""Stop words: words without a topic, such as function words and greetings."""

from functools import lru_cache

import stopwordsiso

from core.language.words import pieces

# The lists of the packages that are kept hold a thousand English words, among them "index", "computer" and "fire".
_ENGLISH = (
    "a about above after again all also am an and any are as at be been before being between both but by can could "
    "did do does doing done down during each for from further had has have having he her here hers him his how i if "
    "in into is it its itself just may me might more most must my no nor not of off on once only or other our out "
    "over own same she should so some such than that the their them then there these they this those through to too "
    "under until up upon us very was we were what when where which while who whom whose why will with would you your "
    "d don doesn didn isn aren wasn weren wouldn couldn shouldn hasn haven hadn ll m re s t ve many much please tell "
    "hello hi hey thanks thank ok okay bye"
)


@lru_cache(maxsize=64)
def stop_words(language: str) -> frozenset[str]:
    """Return the normalised stop words of a language; those of English if it is unknown."""
    if language in {"", "en"}:
        return frozenset(_ENGLISH.split())
    listed = stopwordsiso.stopwords(language) if stopwordsiso.has_lang(language) else ()
    return frozenset(piece for word in listed for piece, _ in pieces(word))
