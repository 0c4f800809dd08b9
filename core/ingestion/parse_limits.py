"""Markup that is made to hurt whoever parses it is refused before it is parsed."""

import codecs
import re

from core.errors import SourceReadError
from core.ingestion.fetch_result import Fetched

MOST_TAGS = 100_000
"""Of a page, counted as they open and close. Each takes about a kilobyte when parsed; long articles have 30,000."""

DEEPEST = 500
"""Elements within one another. Parsers walk up and down the tree, which takes time by the square of its depth."""

MOST_ELEMENTS = 1_000_000
"""Of a feed or a sitemap, counted with the tags within its posts; a sitemap may list 50,000 pages."""

_CHARSETS = re.compile(
    r"utf-8(-sig)?|utf-(16|32)(-[lb]e)?|ascii|iso8859-\d+|cp(125\d|866|874|932|949|950)|koi8-[rtu]|mac-(roman|cyrillic)|gb(k|2312|18030)"
    r"|big5(hkscs)?|euc_(jp|kr)|shift_jis(_2004)?|shift_jisx0213|tis-620|johab",
)
"""Python's names of what texts on the web are in, and in which a byte that looks like `<` is one. It knows others that
are made for other things: punycode takes a minute for a megabyte."""

_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)")
_ENDED_BY_OTHERS = frozenset(
    "area base br col embed hr img input link meta source track wbr p li dt dd td th tr thead tbody tfoot colgroup "
    "option optgroup rp rt".split()
)
"""Elements that have no end, or that the next of their kind ends."""

_STATEFUL = re.compile(r"iso2022_jp\w*")
_EBCDIC = b"\x4c\x6f\xa7\x94"
_DECLARED = re.compile(rb"encoding\s{0,9}=\s{0,9}[\"']([^\"']{0,60})[\"']", re.IGNORECASE)
_SUBSET = re.compile(rb"<!DOCTYPE[^>\[]{0,1000}\[", re.IGNORECASE)
_ENTITY = re.compile(rb"<!ENTITY", re.IGNORECASE)
_CHARACTER = re.compile(
    rb"<!ENTITY\s+[\w.-]{1,60}\s+(?:\"(?:&#\w{1,8};|[^&%\"<]{0,16})\"|'(?:&#\w{1,8};|[^&%'<]{0,16})')\s*>"
)


def web_charset(name: str, stateful: bool = True) -> bool:
    """Whether texts on the web are in this encoding."""
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):  # ValueError: a name with a zero byte
        return False
    return bool(_CHARSETS.fullmatch(found) or (stateful and _STATEFUL.fullmatch(found)))


def check_xml(fetched: Fetched, body: bytes) -> None:
    """Raises SourceReadError for entities that unfold or lead elsewhere, in whatever encoding they hide, and for more
    elements than are parsed. Entities that stand for a character are usual in old feeds."""
    if body.count(b"<") > MOST_ELEMENTS:
        raise SourceReadError(fetched.url, "it has more parts than are read")
    plain = body.replace(b"\x00", b"") if b"\x00" in body[:1024] else body  # UTF-16 and UTF-32 of these letters
    # Where feedparser looks, and where libxml2 does.
    head = plain[: max(plain.find(b"\n"), plain.find(b"?>"), 1024)]
    if body.startswith(_EBCDIC) or any(_odd(declared[1]) for declared in _DECLARED.finditer(head)):
        raise SourceReadError(fetched.url, "its text is in no encoding of the web")
    if _SUBSET.search(plain):
        for entity in _ENTITY.finditer(plain):
            if not _CHARACTER.match(plain, entity.start()):
                raise SourceReadError(fetched.url, "it declares entities that unfold or lead elsewhere")


def _odd(charset: bytes) -> bool:
    """An encoding that Python knows and the web does not. One that nobody knows harms nobody."""
    name = charset.decode("ascii", "replace")
    try:
        codecs.lookup(name)
    except (LookupError, ValueError):
        return False
    return not web_charset(name, stateful=False)


def check_html(html: str, url: str) -> None:
    """Raises SourceReadError for more tags, or for elements deeper within one another, than are parsed."""
    if html.count("<") > MOST_TAGS:
        raise SourceReadError(url, "it has more parts than are read")
    if _depth(html.lower()) > DEEPEST:
        raise SourceReadError(url, "its parts lie deeper within one another than is read")


def _depth(html: str) -> int:
    """How deep the elements of a page lie within one another, or a little more. What looks like a tag within a script
    is none."""
    deep = deepest = end = 0
    for tag in _TAG.finditer(html):
        if tag.start() < end or tag[2] in _ENDED_BY_OTHERS:
            continue
        if tag[2] in {"script", "style"}:
            closing = html.find(f"</{tag[2]}", tag.end())
            end = closing if closing >= 0 else len(html)
        else:
            deep = max(0, deep - 1) if tag[1] else deep + 1
            deepest = max(deepest, deep)
    return deepest
