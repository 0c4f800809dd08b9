"""Finding the article in a page."""

from dataclasses import dataclass

import trafilatura
from bs4 import BeautifulSoup, UnicodeDammit
from lxml import etree
from soupsieve import SelectorSyntaxError

from core.errors import CannotRead
from core.reading.fetched import Fetched
from core.reading.html import to_markdown

_BOILERPLATE = (
    "script, style, noscript, template, nav, header, footer, aside, form, iframe, [hidden], [aria-hidden=true]"
)

_UNSEEN = "script, style, noscript, template, textarea, [hidden], [aria-hidden=true]"
_LINES = frozenset("p li td th dt dd h1 h2 h3 h4 h5 h6 a b strong i em u s".split())


@dataclass(frozen=True, slots=True)
class Article:
    """What a page says: its title, and the article as Markdown (empty when there is none)."""

    title: str
    text: str


def decode(fetched: Fetched) -> str:
    """The page's text: in the charset that the server names, else the one that the page declares, else a guess."""
    named = [fetched.charset] if fetched.charset else []
    dammit = UnicodeDammit(fetched.body, named, is_html=True)
    if dammit.unicode_markup is None:
        raise CannotRead(fetched.url, "its text is in no known encoding")
    return dammit.unicode_markup


def extract(html: str, url: str, selector: str = "") -> Article:
    """The article of a page, by `selector` (CSS) where that finds something, else by trafilatura, else all that is left
    when navigation and the like are taken out."""
    soup = BeautifulSoup(html, "lxml")
    title = _title(soup)
    for find in (_selected, _recognised, _remaining):
        text = to_markdown(find(soup, html, url, selector), url)
        if text:
            return Article(title, text)
    return Article(title, "")


def _selected(soup: BeautifulSoup, html: str, url: str, selector: str) -> str:
    if not selector:
        return ""
    try:
        found = soup.select(selector)
    except SelectorSyntaxError as error:
        raise CannotRead(url, f"{selector!r} is no CSS selector") from error
    for element in (unseen for each in found for unseen in each.select(_UNSEEN)):
        element.decompose()
    # What stands within another that was selected is there already.
    known = set(map(id, found))
    return "\n".join(str(element) for element in found if not any(id(parent) in known for parent in element.parents))


def _recognised(soup: BeautifulSoup, html: str, url: str, selector: str) -> str:
    article = (
        trafilatura.extract(
            _readable(soup, html),
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


def _readable(soup: BeautifulSoup, html: str) -> str:
    """The page without what trafilatura mistakes: it reads templates, and takes `pre` alone for a quotation."""
    templates = soup.find_all("template")
    bare = [pre for pre in soup.find_all("pre") if pre.code is None]
    for template in templates:
        template.decompose()
    for pre in bare:
        code = soup.new_tag("code")
        code.extend(list(pre.contents))
        pre.append(code)
    return str(soup) if templates or bare else html


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


def _remaining(soup: BeautifulSoup, html: str, url: str, selector: str) -> str:
    for element in soup.select(_BOILERPLATE):
        element.decompose()
    return str(soup.body or soup)


def _title(soup: BeautifulSoup) -> str:
    """The page's own heading before its <title>, which mostly carries the blog's name too."""
    meta = soup.find("meta", property="og:title")
    if meta and meta.get("content"):
        return str(meta["content"]).strip()
    heading = soup.find("h1")
    if heading and heading.get_text(strip=True):
        return heading.get_text(" ", strip=True)
    return soup.title.get_text(" ", strip=True) if soup.title else ""
