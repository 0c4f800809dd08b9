"""Sentences: where they end in each language, and where a full stop ends none (by sentencex, of Wikimedia)."""

from collections.abc import Iterator

from sentencex import segment

MAX_CHARACTERS = 4_000
"""Longer texts are split in pieces: unclosed quotation marks take quadratic time."""

_QUOTE_ENDS = ("」", "』")


def split_sentences(text: str, language: str = "en") -> list[str]:
    """Split a text into sentences with their trailing blanks; joined they give the text again."""
    sentences: list[str] = []
    for piece in _pieces(text):
        for sentence in filter(None, segment(language or "en", piece)):
            # A Japanese quotation that ends does not end the sentence around it.
            if sentences and sentences[-1].endswith(_QUOTE_ENDS):
                sentences[-1] += sentence
            else:
                sentences.append(sentence)
    return sentences


def _pieces(text: str) -> Iterator[str]:
    while len(text) > MAX_CHARACTERS:
        cut = max(text.rfind("\n", 0, MAX_CHARACTERS), text.rfind(". ", 0, MAX_CHARACTERS) + 1) + 1
        cut = cut if cut > 1 else MAX_CHARACTERS
        yield text[:cut]
        text = text[cut:]
    yield text
