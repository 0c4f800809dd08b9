"""Characters that nobody sees. Texts can be hidden in them from all readers but a model."""

import re

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")

_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"  # controls
    "\u00ad\u034f\u180b-\u180f\u200b\u2060-\u206f\ufeff"  # soft hyphens, zero widths and what joins words
    "\u061c\u200e\u200f\u202a-\u202e"  # marks of direction; U+2066 to U+2069 are among those above
    "\u115f\u1160\u3164\uffa0\ufff9-\ufffb"  # fillers and notes
    "]"
)
_UNSEEN_FAR = re.compile("[\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]")
"""Of these a text may lose all without a loss to its readers. Far out lie shorthand, music, tags, and selectors of rare
glyphs. A set within U+FFFF, asked for one character, is looked up three times as fast as others."""

_IN_ROWS = re.compile("[\ufe00-\ufe0f\u200c\u200d]")

_SELECTOR = re.compile("[\ufe00-\ufe0f]+")
_CHOOSES = re.compile("[\U0001f000-\U0001faff\u2000-\u3299\u00a9\u00ae#*0-9]")
"""One selector behind such a sign says how it looks; elsewhere, or in a row, they say something else."""

_JOINER = re.compile("[\u200c\u200d]+")
_JOINS = re.compile(
    "[\u0600-\u08ff\u0900-\u109f\u1780-\u18af\u1900-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc"
    "\U00010a00-\U00011fff\u2190-\u2bff\ufe0f\u20e3\U0001f000-\U0001faff]"
)
"""Scripts from Arabic to Khmer need joiners within a word, and emoji within a family: one, with something behind it."""


def without_controls(text: str) -> str:
    """The text without signs that stand in no document: XML has no room for them, and lxml takes them in no text."""
    return _UNFIT.sub("", text)


def visible_text(text: str) -> str:
    """The text without characters that nobody sees. Idempotent."""
    if text.isascii():
        return _CONTROLS.sub("", text)
    text = _UNSEEN_FAR.sub("", _UNSEEN.sub("", text))
    if not _IN_ROWS.search(text):
        return text
    text = _SELECTOR.sub(lambda found: _first(found, _CHOOSES), text)
    return _JOINER.sub(lambda found: "" if _ends(found) else _first(found, _JOINS), text)


def _first(found: re.Match[str], after: re.Pattern[str]) -> str:
    """The first of a row where it stands behind a sign that takes one."""
    return found[0][0] if found.start() and after.match(found.string, found.start() - 1) else ""


def _ends(found: re.Match[str]) -> bool:
    return found.end() == len(found.string) or found.string[found.end()].isspace()
