"""Finding the article in a page."""

from dataclasses import dataclass

import trafilatura
from bs4 import BeautifulSoup, UnicodeDammit

from core.errors import CannotRead
from core.reading.fetcher import Fetched
from core.reading.html import to_markdown

_BOILERPLATE = (
    "script, style, noscript, template, nav, header, footer, aside, form, iframe, [hidden], [aria-hidden=true]"
)


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
    return "\n".join(str(element) for element in soup.select(selector)) if selector else ""


def _recognised(soup: BeautifulSoup, html: str, url: str, selector: str) -> str:
    return (
        trafilatura.extract(
            html,
            url=url,
            output_format="html",
            favor_precision=True,
            include_tables=True,
            include_formatting=True,
            include_links=True,
            include_comments=False,
        )
        or ""
    )


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
