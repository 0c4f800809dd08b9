"""Repair of XML in which feeds are written by templates, before it is parsed."""

import re
from html.entities import html5

from core.errors import SourceReadError
from core.ingestion.charsets import decode
from core.ingestion.fetch_result import Fetched
from core.ingestion.invisible_characters import strip_invalid
from core.ingestion.parse_limits import check_xml

_DECLARED = re.compile(rb"<\?xml[^>]{0,100}\bencoding\s{0,9}=\s{0,9}[\"']([^\"']{0,60})[\"']")
_BEGINNING = re.compile(r"<(?:\?xml|!DOCTYPE|rss|feed|rdf:RDF)\b", re.IGNORECASE)
MAX_BEFORE = 4_000
"""Characters in which a document has to begin; before it, servers write blank lines and warnings of their own."""

MAX_ENTITIES = 1_500_000
"""Per document; escaped HTML of the largest has half as many."""

_DECLARATION = re.compile(r"\A<\?xml[^>]{0,200}\?>")
_OWN_ENTITY = re.compile(r"<!ENTITY\s+([\w.-]{1,60})\s+[\"']([^\"'<]{0,20})[\"']\s*>")
_ENTITY = re.compile(
    r"<!\[CDATA\[[^\]]*+(?:\](?!\]>)[^\]]*+)*+(?:\]\]>|\Z)|<!--[^-]*+(?:-(?!->)[^-]*+)*+(?:-->|\Z)"
    r"|&(?:#([xX][0-9a-fA-F]{1,6}|\d{1,7})|([a-zA-Z][a-zA-Z0-9]{0,30}));|&"
)
_XML_ENTITIES = {"lt", "gt", "amp", "quot", "apos"}


def repair_xml(fetched: Fetched) -> tuple[str, str]:
    """Return a document as text that is well-formed as far as its characters and entities go, and what was damaged for
    good, if anything. Raises SourceReadError for what `check_xml` does not accept."""
    check_xml(fetched, fetched.body)
    declared = _DECLARED.search(fetched.body, 0, MAX_BEFORE)
    text, damaged = decode(fetched.body, fetched.charset, declared[1].decode("ascii", "replace") if declared else None)
    beginning = _BEGINNING.search(text, 0, MAX_BEFORE)
    text = strip_invalid(text[beginning.start() :] if beginning else text.lstrip())
    text = _DECLARATION.sub('<?xml version="1.0" encoding="utf-8"?>', text)
    if not fetched.body.isascii():
        check_xml(fetched, text.encode("utf-8", "replace"))
    if text.count("&") > MAX_ENTITIES:
        raise SourceReadError(fetched.url, "it has too many elements")
    repair = _EntityRepair(text)
    text = _ENTITY.sub(repair.replace, text)
    damage = (
        "some of its letters are damaged" if damaged else "an & in it is not written as &amp;" if repair.bare else ""
    )
    return text, damage


class _EntityRepair:
    """Replaces the named characters of HTML, which XML does not know, and those that the document declares."""

    def __init__(self, text: str) -> None:
        self._own = dict(_OWN_ENTITY.findall(text)) if "<!ENTITY" in text else {}
        self.bare = False

    def replace(self, found: re.Match[str]) -> str:
        number, name = found[1], found[2]
        if not found[0].startswith("&") or name in _XML_ENTITIES:
            return found[0]
        if number:
            code = int(number[1:], 16) if number[0] in "xX" else int(number)
            return found[0] if _is_xml_character(code) else ""
        if name in self._own:
            return str(self._own[name])
        if name and f"{name};" in html5:
            return html5[f"{name};"].translate({0x26: "&amp;", 0x3C: "&lt;"})
        self.bare = True
        return f"&amp;{found[0][1:]}"


def _is_xml_character(code: int) -> bool:
    return code in {9, 10, 13} or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000
