"""The links of a page: to its feeds, its sitemap, and other pages of the site."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from core.ingestion.charsets import decode
from core.ingestion.feed_items import join
from core.ingestion.fetch_result import Fetched
from core.ingestion.invisible_characters import strip_invalid
from core.ingestion.parse_limits import check_html
from core.ingestion.urls import clean_url

_FEED_TYPES = re.compile(r"application/(rss|atom|rdf|feed)\+(xml|json)|(application|text)/xml")
_FEED_NAME = re.compile(r"(/feed/?|/rss/?|[./](rss|atom|feed|index)\.xml|/feed\.json|\.(rss|atom))\Z", re.IGNORECASE)
_NOT_POSTS = re.compile(r"comment|/wp-json|oembed", re.IGNORECASE)
_DECLARED = re.compile(rb"charset\s{0,9}=\s{0,9}[\"']?([\w-]{1,40})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PageLinks:
    """The links of a page as absolute addresses, each once: to feeds of posts, the most promising first; to sitemaps;
    and to `pages` that may be followed. `listed` is false if the page asks not to be shown in searches."""

    feeds: tuple[str, ...] = ()
    sitemaps: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    listed: bool = True


def page_links(page: Fetched) -> PageLinks:
    """Parse the links of a page. Raises SourceReadError beyond the parser's limits."""
    declared = _DECLARED.search(page.body, 0, 2_000)
    html, _ = decode(page.body, page.charset, declared[1].decode("ascii") if declared else None)
    check_html(html, page.url)
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    tree = etree.fromstring(strip_invalid(html).encode("utf-8", "replace"), parser)
    if tree is None:
        return PageLinks()
    base = next((join(page.url, element.get("href") or "") for element in tree.iter("base")), "") or page.url
    links = list(_links(tree, base))
    declared_feeds = [
        address
        for element, address, relations in links
        if element.tag == "link" and "alternate" in relations and _is_feed(element, address)
    ]
    anchors = [
        address for element, address, relations in links if element.tag != "link" and "nofollow" not in relations
    ]
    named = [address for address in anchors if _FEED_NAME.search(address) and not _NOT_POSTS.search(address)]
    robots = _robots(tree)
    return PageLinks(
        tuple(dict.fromkeys(declared_feeds or named)),
        tuple(dict.fromkeys(address for _, address, relations in links if "sitemap" in relations)),
        () if robots & {"nofollow", "none"} else tuple(dict.fromkeys(map(clean_url, anchors))),
        listed=not robots & {"noindex", "none"},
    )


def _links(tree: etree._Element, base: str) -> Iterator[tuple[etree._Element, str, set[str]]]:
    for element in tree.iter("link", "a", "area"):
        address = join(base, element.get("href") or "")
        if address.startswith(("http://", "https://")):
            yield element, address, set((element.get("rel") or "").lower().split())


def _is_feed(link: etree._Element, address: str) -> bool:
    """Return whether a link leads to a feed of posts, and not of comments or of another language."""
    kind = (link.get("type") or "").lower().strip()
    is_feed = _FEED_TYPES.fullmatch(kind) or (kind == "application/json" and _FEED_NAME.search(address))
    return bool(is_feed) and not link.get("hreflang") and not _NOT_POSTS.search(f"{link.get('title') or ''} {address}")


def _robots(tree: etree._Element) -> set[str]:
    contents = [
        meta.get("content") or ""
        for meta in tree.iter("meta")
        if (meta.get("name") or "").lower() in {"robots", "footnoted"}
    ]
    return set(re.split(r"[,\s]+", " ".join(contents).lower()))
