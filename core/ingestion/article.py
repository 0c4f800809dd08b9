"""Finding the article in a page."""

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
from core.ingestion.invisible_characters import without_controls
from core.ingestion.parse_limits import web_charset

_BOILERPLATE = "script, style, nav, header, footer, aside, form"

_UNSEEN = "script, style"
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]{0,200}>", re.IGNORECASE)
"""XHTML's; the text has been decoded already, and Beautiful Soup warns of XML."""

_LINES = frozenset("p li td th dt dd h1 h2 h3 h4 h5 h6 a b strong i em u s".split())


@dataclass(frozen=True, slots=True)
class Article:
    """What a page says: its title, and the article as Markdown (empty when there is none)."""

    title: str
    text: str


def decode(fetched: Fetched) -> str:
    """The page's text: in the charset that the server names, else the one that the page declares, else a guess."""
    named = [fetched.charset] if fetched.charset and web_charset(fetched.charset) else []
    declared = EncodingDetector.find_declared_encoding(fetched.body, is_html=True)
    odd = [declared] if declared and not web_charset(declared) else []
    dammit = UnicodeDammit(fetched.body, named, is_html=True, exclude_encodings=odd)
    if dammit.unicode_markup is None:
        raise SourceReadError(fetched.url, "its text is in no known encoding")
    return dammit.unicode_markup


def extract(html: str, url: str, selector: str = "") -> Article:
    """The article of a page, by `selector` (CSS) where that finds something, else by trafilatura, else all that is left
    when navigation and the like are taken out."""
    tree = visible_tree(_DECLARATION.sub("", html), url)
    if tree is None:
        return Article("", "")
    title = _title(tree)
    for find in (_selected, _recognised, _remaining):
        text = to_markdown(find(tree, url, selector), url)
        if text:
            return Article(title, text)
    return Article(title, "")


def _selected(tree: HtmlElement, url: str, selector: str) -> str:
    if not selector:
        return ""
    try:
        found = _soup(tree).select(selector)
    except SelectorSyntaxError as error:
        raise SourceReadError(url, f"{selector!r} is no CSS selector") from error
    for element in (unseen for each in found for unseen in each.select(_UNSEEN)):
        element.decompose()
    # What stands within another that was selected is there already.
    known = set(map(id, found))
    return "\n".join(str(element) for element in found if not any(id(parent) in known for parent in element.parents))


def _recognised(tree: HtmlElement, url: str, selector: str) -> str:
    article = (
        trafilatura.extract(
            _readable(tree),
            output_format="html",
            favor_precision=True,
            include_tables=True,
            include_formatting=True,
            include_links=True,
            include_comments=False,
        )
        or ""
    )
    return _with_code(article) if "<pre>" in article else article


def _readable(tree: HtmlElement) -> HtmlElement:
    """The page without what trafilatura mistakes: it takes `pre` alone for a quotation."""
    for pre in tree.iter("pre"):
        if pre.find(".//code") is None:
            code = etree.SubElement(pre, "code")
            # A reference such as &#31; puts into a tree what may not be written into one.
            code.text, pre.text = without_controls(pre.text or ""), None
            code.extend(pre[:-1])
    return tree


def _with_code(article: str) -> str:
    """Trafilatura writes `pre` for all code, so that code within a line would become a block, and a block two."""
    root = etree.fromstring(article, etree.XMLParser(recover=True, resolve_entities=False, remove_comments=True))
    if root is None:
        return article
    for pre in list(root.iter("pre")):
        parent = pre.getparent()
        if parent is not None and parent.tag == "pre":
            pre.tag = "code"
            if len(parent) == 1 and not f"{parent.text or ''}{pre.tail or ''}".strip():
                parent.text = pre.tail = None  # the blanks of pretty printing
        elif parent is not None and parent.tag in _LINES and "\n" not in "".join(pre.itertext()):
            pre.tag = "code"
    return etree.tostring(root, encoding="unicode", method="html")


def _remaining(tree: HtmlElement, url: str, selector: str) -> str:
    soup = _soup(tree)
    for element in soup.select(_BOILERPLATE):
        element.decompose()
    return str(soup.body or soup)


def _soup(tree: HtmlElement) -> BeautifulSoup:
    return BeautifulSoup(etree.tostring(tree, encoding="unicode", method="html"), "lxml")


def _title(tree: HtmlElement) -> str:
    """The page's own heading before its <title>, which mostly carries the blog's name too."""
    said = (*tree.xpath("//meta[@property='og:title']/@content")[:1], *map(_words, _first(tree, "h1", "title")))
    return next(filter(None, (" ".join(text.split()) for text in said)), "")


def _first(tree: HtmlElement, *tags: str) -> Iterator[HtmlElement]:
    """The first element of each tag."""
    return (element for tag in tags for element in islice(tree.iter(tag), 1))


def _words(element: HtmlElement) -> str:
    return " ".join(element.itertext())
