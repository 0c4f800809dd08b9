"""Characters that nobody sees. Texts can be hidden in them from all readers but a model."""

import re

_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"  # controls
    "\u00ad\u034f\u180b-\u180f\u200b\u2060-\u206f\ufeff"  # soft hyphens, zero widths and what joins words
    "\u061c\u200e\u200f\u202a-\u202e"  # marks of direction; U+2066 to U+2069 are among those above
    "\u115f\u1160\u3164\uffa0"  # fillers
    "\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # notes and shorthand
    "\U000e0000-\U000e0fff"  # tags, and selectors of glyphs that no font knows
    "]+"
)
"""Of these a text may lose all without a loss to its readers."""

_SELECTORS = re.compile(
    "(?<![\U0001f000-\U0001faff\u2000-\u3299\u00a9\u00ae#*0-9])[\ufe00-\ufe0f]+|(?<=[\ufe00-\ufe0f])[\ufe00-\ufe0f]+"
)
"""One behind a sign says how it looks; a row of them says something else."""

_JOINING = (
    "\u0600-\u08ff\u0900-\u109f\u1780-\u18af\u1900-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff"
)
_PICTURES = "\u2190-\u2bff\ufe0f\u20e3\U0001f000-\U0001faff"
_JOINERS = re.compile(
    f"(?<![{_JOINING}{_PICTURES}])[\u200c\u200d]+|(?<=[\u200c\u200d])[\u200c\u200d]+|[\u200c\u200d]+(?=\\s|\\Z)"
)
"""Scripts from Arabic to Khmer need joiners within a word, and emoji within a family: one, with something behind it."""


def visible_text(text: str) -> str:
    """The text without characters that nobody sees. Idempotent."""
    if text.isascii() and text.isprintable():
        return text
    return _JOINERS.sub("", _SELECTORS.sub("", _UNSEEN.sub("", text)))
