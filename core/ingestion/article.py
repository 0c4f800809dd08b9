"""Extraction of the article from a page."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape

from bs4 import BeautifulSoup, UnicodeDammit
from bs4.dammit import EncodingDetector
from lxml import etree
from lxml.html import HtmlElement
from soupsieve import SelectorSyntaxError

from core.errors import SourceReadError
from core.ingestion.article_finder import reduce_to_article
from core.ingestion.fetch_result import Fetched
from core.ingestion.hidden_html import visible_html, visible_tree
from core.ingestion.html_to_markdown import to_markdown
from core.ingestion.notices import notice_on, read_signs
from core.ingestion.page_metadata import PageMetadata, read_metadata
from core.ingestion.parse_limits import is_web_charset

_BOILERPLATE = ("script", "style", "nav", "header", "footer", "aside", "form")

_XML_DECLARATION = re.compile(r"\A\s*<\?xml[^>]{0,200}>", re.IGNORECASE)
"""Of XHTML, which the parser refuses in text that is decoded already."""

_BINARY = re.compile(
    rb"%PDF-|PK\x03\x04|\x89PNG|GIF8|\xff\xd8\xff|\x1f\x8b|Rar!|7z\xbc\xaf|\x7fELF|OggS|ID3|wOF[F2]|RIFF|BM.{4}\0\0"
)
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_MAX_CONTROLS = 0.05
"""Share of the first kilobytes."""

_LINKS_ALONE = re.compile(r"(?:\[[^\]]*\]\([^)]*\)|[\W_])*+")
_FEW_LINKS = 500

_FULLER = 2.0
"""How much longer than what the page shows its article in JSON-LD must be to be taken instead."""


@dataclass(frozen=True, slots=True)
class Article:
    """A page's title, and its article as Markdown; all may be empty. `language` is as the page declares it."""

    title: str
    text: str
    language: str = ""
    author: str = ""
    published: datetime | None = None
    pages: tuple[str, ...] = ()
    """The text of each page of a PDF file."""

    notice: str = ""
    """Why the page is not a post, such as "it asks for a log-in"."""


def decode(fetched: Fetched) -> str:
    """Decode a page by the server's charset, else the one that the page declares, else a guess."""
    if _is_binary(fetched.body):
        raise SourceReadError(fetched.url, "it is not text")
    from_server = [fetched.charset] if fetched.charset and is_web_charset(fetched.charset) else []
    declared = EncodingDetector.find_declared_encoding(fetched.body, is_html=True)
    excluded = [declared] if declared and not is_web_charset(declared) else []
    dammit = UnicodeDammit(fetched.body, from_server, is_html=True, exclude_encodings=excluded)
    if dammit.unicode_markup is None:
        raise SourceReadError(fetched.url, "its text encoding is unknown")
    return dammit.unicode_markup


def _is_binary(body: bytes) -> bool:
    if body.startswith(_BYTE_ORDER_MARKS):
        return False
    head = body[:4096]
    controls = sum(head.count(byte) for byte in (b"\0", b"\1", b"\2", b"\3", b"\4", b"\5", b"\6"))
    return bool(_BINARY.match(head)) or controls > _MAX_CONTROLS * len(head)


def extract(html: str, url: str, selector: str = "") -> Article:
    """Extract the article by the CSS `selector` if it matches, else by trafilatura, else as the page without its
    navigation and other boilerplate."""
    tree = visible_tree(_XML_DECLARATION.sub("", html), url)
    if tree is None:
        return Article("", "")
    metadata = read_metadata(tree, url)
    article = Article(metadata.title, "", tree.get("lang") or "", metadata.author, metadata.published)
    if selector and (selected := to_markdown(_by_selector(tree, url, selector), url)):
        return replace(article, text=selected)
    signs = read_signs(tree, url)
    text = _found(tree, url, metadata)
    return replace(article, text=text, notice=notice_on(signs, text, metadata.title))


def _by_selector(tree: HtmlElement, url: str, selector: str) -> str:
    try:
        matches = BeautifulSoup(etree.tostring(tree, encoding="unicode", method="html"), "lxml").select(selector)
    except SelectorSyntaxError as error:
        raise SourceReadError(url, f"{selector!r} is not a valid CSS selector") from error
    for element in (element for match in matches for element in match.select("script, style")):
        element.decompose()
    # A match within another match is included already.
    matched = set(map(id, matches))
    return "\n".join(str(match) for match in matches if not any(id(parent) in matched for parent in match.parents))


def _found(tree: HtmlElement, url: str, metadata: PageMetadata) -> str:
    """Return the article as Markdown; empty if the page has no text."""
    found = reduce_to_article(tree)
    if not found:
        _remove_boilerplate(tree)
    text = to_markdown(_html(tree), url)
    if len(text) < _FEW_LINKS and _LINKS_ALONE.fullmatch(text):
        text = ""  # "Skip to content", on a page of pictures
    if len(metadata.body) > _FULLER * len(text):
        body = metadata.body
        if not re.search(r"<(?:p|br|div)\b", body, re.IGNORECASE):
            body = "".join(f"<p>{escape(line)}</p>" for line in body.splitlines())
        return to_markdown(visible_html(body, url), url)
    return text


def _html(tree: HtmlElement) -> str:
    body = tree.find("body") if tree.tag == "html" else None
    return etree.tostring(tree if body is None else body, encoding="unicode", method="html", with_tail=False)


def _remove_boilerplate(tree: HtmlElement) -> None:
    for element in list(tree.iter(*_BOILERPLATE)):
        if element.getparent() is not None:
            element.drop_tree()
