"""Decoding of texts whose charset is not declared, or is declared wrongly, or does not fit a few of the bytes."""

import codecs
import re
from collections.abc import Iterator

from core.ingestion.parse_limits import is_web_charset
from core.language.detection import detect_language

MAX_GUESSED_BYTES = 200_000
MIN_GUESSED_BYTES = 6
"""Beyond ASCII. Fewer do not tell one charset from another, and Western European is the most common."""

CONFIDENT = 0.12
CONFIDENT_OF_OTHERS = 0.25
"""Certainty (0 to 1) of a guess that overrules what is declared. The second is for Western European charsets, for which
others are often mistaken; only Chinese, Japanese and Korean reach it."""

MAX_DAMAGE = 0.1
"""Share of the bytes beyond ASCII that need not fit a declared charset."""

_WESTERN = "cp1252"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00<", "utf-16-be"),
    (b"<\x00", "utf-16-le"),
)
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "tis-620": "cp874",
}
"""What browsers read instead, because the smaller charset is often declared for the larger one."""

_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_ASCII = bytes(range(128))
_DECLARATION = re.compile(rb"<(?:\?xml|meta)\b[^<>]{0,300}>", re.IGNORECASE)
"""Left out of what is guessed from, because chardet would believe it."""

_WRONG = re.compile("[\udc80-\udcff]")
_WRONG_LETTER = re.compile(
    "(?<=[A-Za-z])[\udcc0\udcc1\udcc4-\udcff]+(?=[a-z])|(?<![\udc80-\udcff])[\udc80-\udc9f](?![\udc80-\udcff])"
)
"""A letter within a word, or a quotation mark or dash, of Windows-1252; other bytes are rests of cut letters."""

_MIXED = re.compile("[A-Za-z][\u0370-\u06ff](?![\u0370-\u06ff])|[a-z][\u0370-\u06ff]{2}[a-z]")
"""Greek, Cyrillic, Hebrew or Arabic letters within a word in the Latin script."""

_BY_LANGUAGE = {
    **dict.fromkeys(("pl", "cs", "sk", "sl", "sr", "hu", "ro", "sq"), "cp1250"),
    **dict.fromkeys(("tr", "az"), "cp1254"),
    **dict.fromkeys(("lt", "lv", "et"), "cp1257"),
}
"""Charsets of languages in the Latin script that are not Western European."""

_MISREAD = re.compile("[À-ÿ]{5}|[A-Za-z][\u0370-\u06ff\u0e00-\u0e7f\u3040-\u9fff\uff61-\uff9f][a-z]")
"""Western European words do not have so many accents in a row, and none has a letter of another script."""


def decode(body: bytes, *declared: str | None) -> tuple[str, bool]:
    """Decode a text by the first of the charsets that are `declared` and fit, else by a guess; what is valid UTF-8 is
    UTF-8. Return whether it is damaged: some bytes did not fit."""
    for mark, charset in _MARKS:
        if body.startswith(mark):
            text = body.decode(charset, "replace").removeprefix("\ufeff")
            return text, "\ufffd" in text
    try:
        return body.decode("utf-8"), False
    except UnicodeDecodeError:
        beyond = len(body.translate(None, _ASCII))
    text = _nearly_utf8(body, beyond)
    if text:
        return text, True
    guess, confidence = _guess(body, beyond)
    for charset in _believable(declared):
        text = body.decode(charset, "replace")
        least = CONFIDENT_OF_OTHERS if charset == _WESTERN else CONFIDENT
        lies = charset != guess and (confidence >= least or _MISREAD.search(text))
        if not lies and text.count("\ufffd") <= beyond * MAX_DAMAGE:
            return text, "\ufffd" in text
    text = body.decode(guess, "replace")
    return text, "\ufffd" in text


def _nearly_utf8(body: bytes, beyond: int) -> str:
    """Decode UTF-8 that a few foreign bytes were mixed into; empty if it is another charset."""
    right = body.decode("utf-8", "ignore")
    wrong = len(body) - len(right.encode())
    # Texts in other charsets hardly have letters of UTF-8, in which each byte must fit the one before it.
    if wrong > len(right) - (len(body) - beyond):
        return ""
    text = body.decode("utf-8", "surrogateescape")
    text = _WRONG_LETTER.sub(
        lambda found: found[0].encode("utf-8", "surrogateescape").decode(_WESTERN, "replace"), text
    )
    return _WRONG.sub("\ufffd", text)


def _believable(declared: tuple[str | None, ...]) -> Iterator[str]:
    for name in declared:
        if name and is_web_charset(name, stateful=False):
            charset = codecs.lookup(name).name
            if not charset.startswith("utf"):
                yield _SUPERSETS.get(charset, charset)


def _guess(body: bytes, beyond: int) -> tuple[str, float]:
    """Return the most likely charset and how certain it is (0 to 1)."""
    if beyond < MIN_GUESSED_BYTES:
        return _WESTERN, 0.0
    from chardet import detect  # takes 0.1 s, and most texts are UTF-8

    first = _BEYOND_ASCII.search(body)
    start = max(0, first.start() - 1_000) if first else 0
    sample = _DECLARATION.sub(b"", body[start : start + MAX_GUESSED_BYTES])
    found = detect(sample)
    charset = next(_believable((found["encoding"],)), "")
    if not charset or _MIXED.search(sample.decode(charset, "replace")):
        # The detector takes "déjà" for "dйjа": the words around the accents tell the language.
        return _BY_LANGUAGE.get(detect_language(sample.decode(_WESTERN, "replace"))[0], _WESTERN), 0.0
    return charset, found["confidence"]
