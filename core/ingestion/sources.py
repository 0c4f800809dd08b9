"""One way in to all kinds of sources: what a source lists, and an entry made into a post."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import assert_never

from core.domain import Post, Source
from core.errors import SourceReadError
from core.ingestion.article import Article, decode, extract
from core.ingestion.canonical import accept_canonical, extract_canonical
from core.ingestion.entries import NOTHING, Entry, EntrySkipped, Known, ListEvent, matches_filters
from core.ingestion.feed import read_feed
from core.ingestion.fetch_result import PAGE, Fetched, NotModified, Validators
from core.ingestion.fetcher import Fetcher
from core.ingestion.folder import read_folder
from core.ingestion.hidden_html import visible_html
from core.ingestion.hidden_markdown import visible_markdown
from core.ingestion.html_to_markdown import tidy, to_markdown
from core.ingestion.sitemap import read_sitemap
from core.ingestion.urls import clean_url

MOST_ENTRIES = 100_000
"""Posts of one source: a blog has hundreds, and a server that makes up pages has them without end."""

_MARKDOWN = {"text/markdown", "text/x-markdown"}


async def list_source(source: Source, fetcher: Fetcher, known: Known = NOTHING) -> AsyncGenerator[ListEvent, None]:
    """The entries that the source's patterns and limit let in; what could not be read; and which pages of its listing
    were read or are as they were `known`. With a `limit` all are read, since an unchanged page cannot be counted.

    Raises SourceReadError when the source cannot be read.
    """
    listed = 0
    left = source.limit if source.limit is not None else -1
    async with aclosing(_lister(source, fetcher, known if source.limit is None else NOTHING)) as items:
        async for item in items:
            if isinstance(item, Entry):
                if source.kind != "folder" and not matches_filters(source, item.url):
                    continue
                if left == 0:
                    return
                left -= 1
                if listed == MOST_ENTRIES:
                    yield EntrySkipped(
                        source.address, f"it lists more than {MOST_ENTRIES:,} posts; the others are left out"
                    )
                    return
                listed += 1
            yield item


def _lister(source: Source, fetcher: Fetcher, known: Known) -> AsyncGenerator[ListEvent, None]:
    match source.kind:
        case "feed":
            return read_feed(source, fetcher, known)
        case "sitemap":
            return read_sitemap(source, fetcher, known)
        case "folder":
            return read_folder(source)
        case _:
            assert_never(source.kind)


def needs_page(entry: Entry) -> bool:
    """Whether the post is read from its page: its source has a selector, or does not carry the whole post."""
    return entry.source.kind != "folder" and (bool(entry.source.selector) or not entry.whole)


async def fetch_page(entry: Entry, fetcher: Fetcher, known: Validators | None = None) -> Fetched | NotModified | None:
    """The entry's page; NotModified when it is as it was `known`; None where what the source carries is enough. Raises
    SourceReadError, and Gone for a page that is not there."""
    if not needs_page(entry):
        return None
    return await fetcher.get(entry.url, entry.source.address, PAGE, known)


def post_url(entry: Entry, page: Fetched | NotModified | None) -> str:
    """The address under which the post is known: the one that its page calls canonical, where it may, else the one
    that it moved to for good, else its own. Two entries with the same `identity` of it are one post."""
    if page is None:
        return entry.url
    moved = clean_url(page.moved) if page.moved else entry.url
    if isinstance(page, NotModified):
        return moved
    return accept_canonical(page.canonical or extract_canonical(page.body, page.url), page.url) or moved


def parse_post(entry: Entry, page: Fetched | None) -> Post:
    """The entry as a post. Raises SourceReadError when there is no text in it."""
    article = _article(entry, page)
    if not article.text:
        raise SourceReadError(entry.url, "no text was found in it")
    title = tidy(entry.title) or tidy(article.title) or entry.url
    return Post(entry.url, title, article.text, entry.source.name, entry.published)


def _article(entry: Entry, page: Fetched | None) -> Article:
    if page is not None:
        if page.media_type == "text/plain":
            return Article("", tidy(decode(page)))
        if page.media_type in _MARKDOWN:
            return Article("", tidy(visible_markdown(decode(page))))
        return extract(decode(page), page.url, entry.source.selector)
    match entry.format:
        case "html" if entry.source.kind == "folder":
            return extract(entry.body, entry.url, entry.source.selector)
        case "html":
            return Article("", to_markdown(visible_html(entry.body, entry.url), entry.url))
        case "markdown":
            return Article("", tidy(visible_markdown(entry.body)))
        case "text":
            return Article("", tidy(entry.body))
        case _:
            assert_never(entry.format)
