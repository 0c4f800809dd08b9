"""What a page says about itself: title, author, date of publication, language, and articles in JSON-LD."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from core.ingestion.html_tree import text_of

_ARTICLES = re.compile(
    r"(?:Blog|Social\w*|DiscussionForum)?Posting|\w*Article|Report|Recipe|HowTo|WebPage|Review", re.I
)
_SEPARATOR = re.compile(r"\s+[-–—|·•«»:/~]+\s+|\s*[|»«•·]\s*")
_DATE_NAMES = (
    "article:published_time og:article:published_time datepublished date dc.date dc.date.issued dcterms.created"
    " dcterms.date pubdate publishdate publish_date publish-date parsely-pub-date sailthru.date"
    " citation_publication_date".split()
)
_AUTHOR_NAMES = ("author", "article:author", "parsely-author", "dc.creator", "citation_author", "byl")
_ADDRESS_DATE = re.compile(r"/((?:19|20)\d\d)[/-](0?[1-9]|1[0-2])[/-](0?[1-9]|[12]\d|3[01])(?=[/_-]|\b)")
_LOGO = re.compile(r"logo|brand|site-?(?:title|name)|blog-?(?:title|name)", re.IGNORECASE)
_FIRST_YEAR = 1990
_MAX_AUTHOR = 100
MAX_JSON = 2_000_000
"""Characters of a page's JSON-LD."""


@dataclass(frozen=True, slots=True)
class PageMetadata:
    """All may be empty. `body` is the article as JSON-LD has it: plain text or HTML."""

    title: str = ""
    author: str = ""
    published: datetime | None = None
    body: str = ""


def read_metadata(root: HtmlElement, url: str) -> PageMetadata:
    """Read a page's metadata from JSON-LD, `meta` elements, headings, and its address."""
    objects = list(_json_ld(root))
    articles = [each for each in objects if _ARTICLES.fullmatch(_type(each))]
    meta = _meta(root)
    logos = [text_of(heading) for heading in root.iter("h1") if _is_logo(heading)]
    site_names = {_folded(name) for name in (*_site_names(objects, meta), *logos) if name}
    return PageMetadata(
        title=_title(root, meta, site_names),
        author=_author(articles, meta, root),
        published=_published(articles, meta, root, url),
        body=max((_text(each.get("articleBody")) for each in articles), key=len, default=""),
    )


def _json_ld(root: HtmlElement) -> Iterator[dict[str, Any]]:
    for script in root.xpath("//script[@type='application/ld+json']"):
        try:
            pending = [json.loads((script.text or "")[:MAX_JSON], strict=False)]
        except (ValueError, RecursionError):
            continue
        while pending:
            each = pending.pop()
            if isinstance(each, list):
                pending += each[::-1]
            elif isinstance(each, dict):
                yield each
                pending += [each[key] for key in ("@graph", "mainEntity", "hasPart") if key in each]


def _type(item: dict[str, Any]) -> str:
    kind = item.get("@type")
    return str(kind[0] if isinstance(kind, list) and kind else kind or "")


def _text(value: object) -> str:
    if isinstance(value, list) and value:
        return ", ".join(filter(None, map(_text, value)))
    if isinstance(value, dict):
        value = value.get("name")
    return value if isinstance(value, str) else ""


def _meta(root: HtmlElement) -> dict[str, str]:
    """Return the first content of each name, property or itemprop, lower-case."""
    found: dict[str, str] = {}
    for element in root.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("itemprop") or ""
        content = (element.get("content") or "").strip()
        if name and content:
            found.setdefault(name.strip().lower(), content)
    return found


def _site_names(objects: list[dict[str, Any]], meta: dict[str, str]) -> Iterator[str]:
    yield meta.get("og:site_name", "")
    yield meta.get("application-name", "")
    for each in objects:
        yield _text(each.get("publisher"))
        if _type(each) in {"WebSite", "Organization", "Blog"}:
            yield _text(each.get("name"))


def _is_logo(heading: HtmlElement) -> bool:
    """Return whether a heading is the site's name: it leads to the home page, or is marked as a logo."""
    links = (*heading.iter("a"), *heading.iterancestors("a"))
    if any(urlsplit(link.get("href") or "#").path == "/" for link in links if "[" not in (link.get("href") or "")):
        return True
    return bool(_LOGO.search(f"{heading.get('class') or ''} {heading.get('id') or ''}"))


def _title(root: HtmlElement, meta: dict[str, str], site_names: set[str]) -> str:
    """Return the heading that the titles of the head begin with, else the first of them, without the site's name."""
    titles = [
        " ".join(each.split())
        for each in (meta.get("og:title", ""), *map(text_of, root.xpath("//head/title[1]")))
        if each.strip()
    ]
    headings = [text for text in map(text_of, root.iter("h1")) if text and _folded(text) not in site_names]
    for title in titles:
        # A logo may be a heading as well.
        named = [heading for heading in headings if _is_part(heading, title)]
        if named:
            return max(named, key=len)
    if not titles:
        return next(iter(headings), "")
    if not meta.get("og:title") and len(headings) == 1:
        return headings[0]
    return _without_site_name(titles[0], site_names, titles[1:])


def _is_part(heading: str, title: str) -> bool:
    """Return whether a title is the heading with something before or after a separator."""
    at = _folded(title).find(_folded(heading))
    if at < 0 or len(heading) < 3:
        return False
    rest = (title[:at], title[at + len(heading) :])
    return all(not part.strip() or _SEPARATOR.search(f"{part} " if part is rest[0] else f" {part}") for part in rest)


def _without_site_name(title: str, site_names: set[str], others: list[str]) -> str:
    for separator in _SEPARATOR.finditer(title):
        before, after = title[: separator.start()].strip(), title[separator.end() :].strip()
        if before and _folded(after) in site_names:
            return before
        if after and _folded(before) in site_names:
            return after
    return title


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _author(articles: list[dict[str, Any]], meta: dict[str, str], root: HtmlElement) -> str:
    named = [_text(each.get("author")) for each in articles]
    named += [meta.get(name, "") for name in _AUTHOR_NAMES]
    named += map(text_of, root.xpath("//a[@rel='author'] | //*[@itemprop='author']//*[@itemprop='name']"))
    return next(
        (" ".join(name.split()) for name in named if name.strip() and "://" not in name and len(name) <= _MAX_AUTHOR),
        "",
    )


def _published(articles: list[dict[str, Any]], meta: dict[str, str], root: HtmlElement, url: str) -> datetime | None:
    """Return the first date of publication that can be read, the most reliable place first."""
    return next(filter(None, map(parse_date, _dates(articles, meta, root, url))), None)


def _dates(articles: list[dict[str, Any]], meta: dict[str, str], root: HtmlElement, url: str) -> Iterator[str]:
    for each in articles:
        yield str(each.get("datePublished") or "")
    for name in _DATE_NAMES:
        yield meta.get(name, "")
    for xpath in (
        "//*[@itemprop='datePublished']/@datetime",
        "//time[@pubdate]/@datetime",
        "//time[contains(@class, 'publish') or contains(@class, 'entry-date')]/@datetime",
        "(//article | //main)[1]//time[1]/@datetime",
        "(//header//time)[1]/@datetime",
    ):
        yield from root.xpath(xpath)[:1]
    times = root.xpath("//time[@datetime]/@datetime")
    if len(set(times)) == 1:
        yield times[0]
    found = _ADDRESS_DATE.search(urlsplit(url).path)
    yield "-".join(part.zfill(2) for part in found.groups()) if found else ""


def parse_date(text: str) -> datetime | None:
    """Parse an ISO 8601 date or time, with what surrounds it ignored; without a zone it is UTC."""
    text = text.strip()
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        match = re.match(r"(\d{4})[-/](\d\d)[-/](\d\d)", text)
        if not match:
            return None
        try:
            found = datetime(*map(int, match.groups()))  # type: ignore[arg-type]
        except ValueError:
            return None
    if not found.year >= _FIRST_YEAR or found.date() > date.today().replace(year=date.today().year + 1):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
