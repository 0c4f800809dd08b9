"""Removal of invisible characters, which can hide text from all readers but a model."""

import re

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_INVALID_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")

_INVISIBLE = re.compile(
    "["
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"  # controls
    "\u00ad\u034f\u180b-\u180f\u200b\u2060-\u206f\ufeff"  # soft hyphens, zero-width spaces, word joiners
    "\u061c\u200e\u200f\u202a-\u202e"  # direction marks (U+2066 to U+2069 are above)
    "\u115f\u1160\u3164\uffa0\ufff9-\ufffb"  # fillers and annotations
    "]"
)
_INVISIBLE_ASTRAL = re.compile("[\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]")
"""Shorthand and music controls, tags, and selectors of rare glyphs. Separate, because a set within U+FFFF is matched
three times as fast."""

_SELECTOR_OR_JOINER = re.compile("[\ufe00-\ufe0f\u200c\u200d]")

_SELECTOR = re.compile("[\ufe00-\ufe0f]+")
_TAKES_SELECTOR = re.compile("[\U0001f000-\U0001faff\u2000-\u3299\u00a9\u00ae#*0-9]")
"""One selector after such a character chooses its look; elsewhere, or in a row, selectors can encode text."""

_JOINER = re.compile("[\u200c\u200d]+")
_TAKES_JOINER = re.compile(
    "[\u0600-\u08ff\u0900-\u109f\u1780-\u18af\u1900-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc"
    "\U00010a00-\U00011fff\u2190-\u2bff\ufe0f\u20e3\U0001f000-\U0001faff]"
)
"""Scripts from Arabic to Khmer need a joiner within a word, and emoji within a sequence."""


def strip_invalid(text: str) -> str:
    """Remove characters that XML does not allow, and lxml does not accept."""
    return _INVALID_IN_XML.sub("", text)


def visible_text(text: str) -> str:
    """Remove invisible characters, except joiners and selectors that scripts and emoji need. Idempotent."""
    if text.isascii():
        return _CONTROLS.sub("", text)
    text = _INVISIBLE_ASTRAL.sub("", _INVISIBLE.sub("", text))
    if not _SELECTOR_OR_JOINER.search(text):
        return text
    text = _SELECTOR.sub(lambda found: _keep_first(found, _TAKES_SELECTOR), text)
    return _JOINER.sub(lambda found: "" if _ends_word(found) else _keep_first(found, _TAKES_JOINER), text)


def _keep_first(found: re.Match[str], after: re.Pattern[str]) -> str:
    """Return the first of a row if it follows a character that takes one."""
    return found[0][0] if found.start() and after.match(found.string, found.start() - 1) else ""


def _ends_word(found: re.Match[str]) -> bool:
    return found.end() == len(found.string) or found.string[found.end()].isspace()
