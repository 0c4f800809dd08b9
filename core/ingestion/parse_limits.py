"""Limits that are checked before parsing, so that hostile markup cannot exhaust time or memory."""

import codecs
import re

from core.errors import SourceReadError
from core.ingestion.fetch_result import Fetched

MAX_TAGS = 100_000
"""Per page, opening and closing. Each takes about a kilobyte when parsed; long articles have 30,000."""

MAX_DEPTH = 500
"""Nested elements. Parsers walk up and down the tree, so that time grows with the square of its depth."""

MAX_XML_TAGS = 1_000_000
"""Per feed or sitemap, including the tags within posts; a sitemap may list 50,000 pages."""

_CHARSETS = re.compile(
    r"utf-8(-sig)?|utf-(16|32)(-[lb]e)?|ascii|iso8859-\d+|cp(125\d|866|874|932|949|950)|koi8-[rtu]|mac-(roman|cyrillic)|gb(k|2312|18030)"
    r"|big5(hkscs)?|euc_(jp|kr)|shift_jis(_2004)?|shift_jisx0213|tis-620|johab",
)
"""Python's names of the encodings used on the web, in which a `<` byte is always a `<`. Python has others for other
purposes; punycode takes a minute per megabyte."""

_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)")
_NO_END_TAG = frozenset(
    "area base br col embed hr img input link meta source track wbr p li dt dd td th tr thead tbody tfoot colgroup "
    "option optgroup rp rt".split()
)
"""Void elements, and elements that the next one of their kind ends."""

_STATEFUL = re.compile(r"iso2022_jp\w*")
_EBCDIC = b"\x4c\x6f\xa7\x94"
_DECLARED = re.compile(rb"encoding\s{0,9}=\s{0,9}[\"']([^\"']{0,60})[\"']", re.IGNORECASE)
_SUBSET = re.compile(rb"<!DOCTYPE[^>\[]{0,1000}\[", re.IGNORECASE)
_ENTITY = re.compile(rb"<!ENTITY", re.IGNORECASE)
_CHARACTER = re.compile(
    rb"<!ENTITY\s+[\w.-]{1,60}\s+(?:\"(?:&#\w{1,8};|[^&%\"<]{0,16})\"|'(?:&#\w{1,8};|[^&%'<]{0,16})')\s*>"
)


def is_web_charset(name: str, stateful: bool = True) -> bool:
    """Return whether this encoding is used on the web."""
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):  # ValueError: a name with a null byte
        return False
    return bool(_CHARSETS.fullmatch(found) or (stateful and _STATEFUL.fullmatch(found)))


def check_xml(fetched: Fetched, body: bytes) -> None:
    """Check an XML document in any encoding. Raises SourceReadError for too many elements, and for entities that expand
    or refer to something external; entities for single characters are common in old feeds."""
    if body.count(b"<") > MAX_XML_TAGS:
        raise SourceReadError(fetched.url, "it has too many elements")
    plain = body.replace(b"\x00", b"") if b"\x00" in body[:1024] else body  # UTF-16 and UTF-32 of ASCII letters
    # Where feedparser and libxml2 look for a declared encoding.
    head = plain[: max(plain.find(b"\n"), plain.find(b"?>"), 1024)]
    if body.startswith(_EBCDIC) or any(_is_unsafe(declared[1]) for declared in _DECLARED.finditer(head)):
        raise SourceReadError(fetched.url, "its text encoding is not supported")
    if _SUBSET.search(plain):
        for entity in _ENTITY.finditer(plain):
            if not _CHARACTER.match(plain, entity.start()):
                raise SourceReadError(fetched.url, "it declares entities that expand or refer to something external")


def _is_unsafe(charset: bytes) -> bool:
    """Return whether Python would decode with an encoding that is not used on the web; an unknown name is harmless."""
    name = charset.decode("ascii", "replace")
    try:
        codecs.lookup(name)
    except (LookupError, ValueError):
        return False
    return not is_web_charset(name, stateful=False)


def check_html(html: str, url: str) -> None:
    """Check a page. Raises SourceReadError if it has too many tags, or if its elements are nested too deeply."""
    if html.count("<") > MAX_TAGS:
        raise SourceReadError(url, "it has too many elements")
    if _depth(html.lower()) > MAX_DEPTH:
        raise SourceReadError(url, "its elements are nested too deeply")


def _depth(html: str) -> int:
    """Return the nesting depth of a page's elements, at most overestimated. Tags within scripts do not count."""
    depth = deepest = end = 0
    for tag in _TAG.finditer(html):
        if tag.start() < end or tag[2] in _NO_END_TAG:
            continue
        if tag[2] in {"script", "style"}:
            closing = html.find(f"</{tag[2]}", tag.end())
            end = closing if closing >= 0 else len(html)
        else:
            depth = max(0, depth - 1) if tag[1] else depth + 1
            deepest = max(deepest, depth)
    return deepest
