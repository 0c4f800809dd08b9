"""The encoding of files that do not declare one."""

import codecs
import re

from bs4.dammit import EncodingDetector
from charset_normalizer import from_bytes

from core.ingestion.parse_limits import is_web_charset
from core.language.detection import detect_language

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 64 * 1024
_MANY = 0.4
"""Share of letters outside ASCII that no Western language reaches."""

_UTF8 = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")

_ENCODINGS = {
    **dict.fromkeys("pl cs sk sl sr hu ro sq".split(), ("cp1250", "iso8859_2")),
    **dict.fromkeys("lt lv et".split(), ("cp1257", "iso8859_13")),
    **dict.fromkeys("tr az".split(), ("cp1254", "iso8859_9")),
}
"""Of languages in the Latin script that are not written in Windows-1252."""


def decode_text(data: bytes, is_html: bool = False) -> str:
    """Decode a file: by its byte order mark, as UTF-8, as it declares, else in an encoding of its language. What cannot
    be decoded is replaced."""
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "") or "utf-8"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return data.decode(_declared(data, is_html) or _guess(data), "replace")


def _declared(data: bytes, is_html: bool) -> str:
    name = EncodingDetector.find_declared_encoding(data, is_html=True) if is_html else None
    return name if name and is_web_charset(name) and codecs.lookup(name).name != "utf-8" else ""


def _guess(data: bytes) -> str:
    # UTF-8 with some damage.
    if data.decode("utf-8", "replace").count("\ufffd") < sum(1 for _ in _UTF8.finditer(data)):
        return "utf-8"
    sample = data[:_SAMPLE]
    # A detector of encodings alone takes "déjà" for "déjŕ", since Western and Central European ones differ in few.
    text = sample.decode("cp1252", "replace")
    letters = [letter for letter in text if letter.isalpha()]
    foreign = sum(not letter.isascii() for letter in letters)
    if foreign > _MANY * len(letters):
        best = from_bytes(sample).best()
    elif encodings := _ENCODINGS.get(detect_language(text)[0]):
        best = from_bytes(sample, cp_isolation=list(encodings)).best()
    else:
        return "cp1252"
    return best.encoding if best and is_web_charset(best.encoding) else "cp1252"
