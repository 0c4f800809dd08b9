"""Stop words: words without a topic, such as function words and greetings."""

from functools import lru_cache

import stopwords
import stopwordsiso

from core.language.words import pieces

_SAID_TO_A_BOT = "please tell can hello hi hey thanks thank ok okay bye"


@lru_cache(maxsize=64)
def stop_words(language: str) -> frozenset[str]:
    """Return the normalised stop words of a language; those of English if it is unknown."""
    if language in {"", "en"}:
        # The larger package lists a thousand English words, among them "index", "computer" and "fire".
        listed = {*stopwords.get_stopwords("en"), *_SAID_TO_A_BOT.split()}
    else:
        listed = stopwordsiso.stopwords(language) if stopwordsiso.has_lang(language) else set()
    # The words of a phrase are no stop words by themselves, which matters in Vietnamese.
    return frozenset(piece for word in listed if " " not in word for piece, _ in pieces(word))
