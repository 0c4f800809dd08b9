"""Extraction of the article from a page."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import trafilatura
from bs4 import BeautifulSoup, UnicodeDammit
from bs4.dammit import EncodingDetector
from lxml import etree
from lxml.html import HtmlElement
from soupsieve import SelectorSyntaxError

from core.errors import SourceReadError
from core.ingestion.fetch_result import Fetched
from core.ingestion.hidden_html import visible_tree
from core.ingestion.html_to_markdown import to_markdown
from core.ingestion.invisible_characters import strip_invalid
from core.ingestion.parse_limits import is_web_charset

_BOILERPLATE = "script, style, nav, header, footer, aside, form"

_NOT_TEXT = "script, style"
_XML_DECLARATION = re.compile(r"\A\s*<\?xml[^>]{0,200}>", re.IGNORECASE)
"""Of XHTML. Removed, because the text is decoded already and Beautiful Soup warns about XML."""

_LINE_TAGS = frozenset("p li td th dt dd h1 h2 h3 h4 h5 h6 a b strong i em u s".split())


@dataclass(frozen=True, slots=True)
class Article:
    """A page's title, and its article as Markdown; both may be empty. `language` is as the page declares it."""

    title: str
    text: str
    language: str = ""


def decode(fetched: Fetched) -> str:
    """Decode a page by the server's charset, else the one that the page declares, else a guess."""
    from_server = [fetched.charset] if fetched.charset and is_web_charset(fetched.charset) else []
    declared = EncodingDetector.find_declared_encoding(fetched.body, is_html=True)
    excluded = [declared] if declared and not is_web_charset(declared) else []
    dammit = UnicodeDammit(fetched.body, from_server, is_html=True, exclude_encodings=excluded)
    if dammit.unicode_markup is None:
        raise SourceReadError(fetched.url, "its text encoding is unknown")
    return dammit.unicode_markup


def extract(html: str, url: str, selector: str = "") -> Article:
    """Extract the article by the CSS `selector` if it matches, else by trafilatura, else as the page without its
    navigation and other boilerplate."""
    tree = visible_tree(_XML_DECLARATION.sub("", html), url)
    if tree is None:
        return Article("", "")
    title = _title(tree)
    for extract_html in (_by_selector, _by_trafilatura, _without_boilerplate):
        text = to_markdown(extract_html(tree, url, selector), url)
        if text:
            return Article(title, text, tree.get("lang") or "")
    return Article(title, "")


def _by_selector(tree: HtmlElement, url: str, selector: str) -> str:
    if not selector:
        return ""
    try:
        matches = _soup(tree).select(selector)
    except SelectorSyntaxError as error:
        raise SourceReadError(url, f"{selector!r} is not a valid CSS selector") from error
    for element in (element for match in matches for element in match.select(_NOT_TEXT)):
        element.decompose()
    # A match within another match is included already.
    matched = set(map(id, matches))
    return "\n".join(str(match) for match in matches if not any(id(parent) in matched for parent in match.parents))


def _by_trafilatura(tree: HtmlElement, url: str, selector: str) -> str:
    article = (
        trafilatura.extract(
            _mark_code(tree),
            output_format="html",
            favor_precision=True,
            include_tables=True,
            include_formatting=True,
            include_links=True,
            include_comments=False,
        )
        or ""
    )
    return _restore_code(article) if "<pre>" in article else article


def _mark_code(tree: HtmlElement) -> HtmlElement:
    """Wrap the text of each `pre` in `code`: trafilatura takes a bare `pre` for a quotation."""
    for pre in tree.iter("pre"):
        if pre.find(".//code") is None:
            code = etree.SubElement(pre, "code")
            # The parser puts characters such as &#31; into a tree, but lxml does not let us assign them.
            code.text, pre.text = strip_invalid(pre.text or ""), None
            code.extend(pre[:-1])
    return tree


def _restore_code(article: str) -> str:
    """Undo trafilatura's `pre` for all code, which would make blocks of inline code, and two of one block."""
    root = etree.fromstring(article, etree.XMLParser(recover=True, resolve_entities=False, remove_comments=True))
    if root is None:
        return article
    for pre in list(root.iter("pre")):
        parent = pre.getparent()
        if parent is not None and parent.tag == "pre":
            pre.tag = "code"
            if len(parent) == 1 and not f"{parent.text or ''}{pre.tail or ''}".strip():
                parent.text = pre.tail = None  # whitespace of pretty printing
        elif parent is not None and parent.tag in _LINE_TAGS and "\n" not in "".join(pre.itertext()):
            pre.tag = "code"
    return etree.tostring(root, encoding="unicode", method="html")


def _without_boilerplate(tree: HtmlElement, url: str, selector: str) -> str:
    soup = _soup(tree)
    for element in soup.select(_BOILERPLATE):
        element.decompose()
    return str(soup.body or soup)


def _soup(tree: HtmlElement) -> BeautifulSoup:
    return BeautifulSoup(etree.tostring(tree, encoding="unicode", method="html"), "lxml")


def _title(tree: HtmlElement) -> str:
    """Prefer og:title and the heading to <title>, which mostly contains the blog's name."""
    candidates = (
        *tree.xpath("//meta[@property='og:title']/@content")[:1],
        *map(_all_text, _first(tree, "h1", "title")),
    )
    return next(filter(None, (" ".join(text.split()) for text in candidates)), "")


def _first(tree: HtmlElement, *tags: str) -> Iterator[HtmlElement]:
    return (element for tag in tags for element in islice(tree.iter(tag), 1))


def _all_text(element: HtmlElement) -> str:
    return " ".join(element.itertext())
