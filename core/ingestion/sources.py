"""Facade over all kinds of sources: list entries, fetch their pages, parse them into posts."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import replace
from typing import assert_never

from core.domain import Post, Source
from core.errors import SourceReadError
from core.ingestion.article import Article, decode, extract
from core.ingestion.dialects import plain_markdown
from core.ingestion.documents.document_reader import read_document, read_markup
from core.ingestion.entries import (
    DOCUMENTS,
    NO_LISTINGS,
    Entry,
    EntrySkipped,
    KnownListings,
    ListingEvent,
    matches_filters,
)
from core.ingestion.feed import PageInsteadOfFeedError, read_feed
from core.ingestion.fetch_result import PAGE, Fetched, NotModified, PageNotFoundError, Validators
from core.ingestion.fetcher import Fetcher
from core.ingestion.folder import read_file, read_folder
from core.ingestion.hidden_html import visible_html
from core.ingestion.hidden_markdown import visible_markdown
from core.ingestion.html_to_markdown import tidy, to_markdown
from core.ingestion.site import is_root, read_site
from core.ingestion.sitemap import read_sitemap
from core.ingestion.split_article import MAX_PAGES, next_page
from core.ingestion.urls import accept_canonical, clean_url, extract_canonical, is_synthetic
from core.language.detection import post_language
from core.markdown import heading_text, parse_blocks

MAX_ENTRIES = 100_000
"""Per source. A blog has hundreds of posts; a server that makes up pages never ends."""

_HTML = {"text/html", "application/xhtml+xml", ""}
_MARKDOWN = {"text/markdown", "text/x-markdown"}


async def list_source(
    source: Source, fetcher: Fetcher, known: KnownListings = NO_LISTINGS
) -> AsyncGenerator[ListingEvent, None]:
    """Yield the entries that pass the source's patterns and limit, the parts that could not be read, and the state of
    its listings. With a `limit` none is skipped as unchanged, since its entries could not be counted.

    Raises SourceReadError if the source cannot be read.
    """
    listed = 0
    left = source.limit if source.limit is not None else -1
    async with aclosing(_lister(source, fetcher, known if source.limit is None else NO_LISTINGS)) as items:
        async for item in items:
            if isinstance(item, Entry):
                if source.kind != "folder" and not matches_filters(source, item.url):
                    continue
                if left == 0:
                    return
                left -= 1
                if listed == MAX_ENTRIES:
                    yield EntrySkipped(
                        source.address, f"it lists more than {MAX_ENTRIES:,} posts; the rest were skipped"
                    )
                    return
                listed += 1
            yield item


def _lister(source: Source, fetcher: Fetcher, known: KnownListings) -> AsyncGenerator[ListingEvent, None]:
    match source.kind:
        case "feed":
            return _read_feed_or_site(source, fetcher, known)
        case "sitemap":
            return read_sitemap(source, fetcher, known)
        case "site":
            return read_site(source, fetcher, known)
        case "folder":
            return read_folder(source)
        case _:
            assert_never(source.kind)


async def _read_feed_or_site(
    source: Source, fetcher: Fetcher, known: KnownListings
) -> AsyncGenerator[ListingEvent, None]:
    """Read a feed, or the site if the address is that of its home page."""
    page = None
    try:
        async with aclosing(read_feed(source, fetcher, known)) as events:
            async for event in events:
                yield event
        return
    except PageInsteadOfFeedError as error:
        page = error.page
    except PageNotFoundError:
        if not is_root(source):
            raise
    async with aclosing(read_site(source, fetcher, known, page)) as events:
        async for event in events:
            yield event


def needs_page(entry: Entry) -> bool:
    """Return whether the post's page must be fetched: for a selector, or if the feed does not carry the whole post."""
    has_page = entry.source.kind != "folder" and not is_synthetic(entry.url)
    return has_page and (bool(entry.source.selector) or not entry.whole)


async def fetch_page(
    entry: Entry, fetcher: Fetcher, validators: Validators | None = None
) -> Fetched | NotModified | None:
    """Fetch the entry's page: NotModified if it is unchanged, None if the source carries the whole post. Raises
    SourceReadError, and PageNotFoundError for 404 and 410."""
    if entry.format in DOCUMENTS:
        return await read_file(entry)
    if entry.page or not needs_page(entry):
        return entry.page
    page = await fetcher.fetch(entry.url, entry.source.address, PAGE, validators)
    return await _with_further_pages(page, entry, fetcher) if isinstance(page, Fetched) else page


async def _with_further_pages(page: Fetched, entry: Entry, fetcher: Fetcher) -> Fetched:
    """Fetch the other pages of an article that is split over several."""
    further: list[bytes] = []
    last = page
    while len(further) < MAX_PAGES - 1 and last.media_type in _HTML:
        address = next_page(last.body.decode("utf-8", "replace"), page.url, len(further) + 1)
        if not address:
            break
        try:
            fetched = await fetcher.fetch(address, entry.source.address, PAGE)
        except PageNotFoundError:
            break  # a link that leads nowhere for readers, too
        if not isinstance(fetched, Fetched) or fetched.url == last.url:
            break
        if sum(map(len, [page.body, *further, fetched.body])) > PAGE.max_bytes:
            raise SourceReadError(entry.url, "its pages are too large together")
        further.append(fetched.body)
        last = fetched
    return replace(page, further=tuple(further)) if further else page


def post_url(entry: Entry, page: Fetched | NotModified | None) -> str:
    """Return the post's URL: the page's canonical URL if acceptable, else the target of permanent redirects, else the
    entry's own. Entries with the same `url_identity` of it are one post."""
    if page is None or entry.format in DOCUMENTS:
        return entry.url
    moved = clean_url(page.moved) if page.moved else entry.url
    if isinstance(page, NotModified):
        return moved
    return accept_canonical(page.canonical or extract_canonical(page.body, page.url), page.url) or moved


def parse_post(entry: Entry, page: Fetched | None) -> Post:
    """Parse an entry into a post, from its page or its own body. Raises SourceReadError if it contains no text."""
    article = _article(entry, page)
    if article.notice or not article.text:
        listed = _own_text(entry) if page is not None and entry.body else None
        if listed is None or not listed.text:
            raise SourceReadError(entry.url, article.notice or "it contains no text")
        article = listed if article.notice else replace(article, text=listed.text)
    title = tidy(entry.title) or tidy(article.title) or tidy(entry.name) or entry.url
    language = post_language(f"{title}\n{article.text}", article.language or entry.language)
    published = entry.published or article.published
    source, author = entry.source.name, article.author
    return Post(entry.url, title, article.text, source, published, language, author, article.pages)


def _article(entry: Entry, page: Fetched | None) -> Article:
    if page is not None and entry.format in DOCUMENTS:
        return _titled(read_document(entry.format, page.body, entry.url))
    if page is not None:
        if page.media_type == "text/plain":
            return Article("", tidy(decode(page)))
        if page.media_type in _MARKDOWN:
            return _from_markdown(decode(page))
        article = extract(decode(page), page.url, entry.source.selector)
        return replace(article, text="\n\n".join([article.text, *_further_texts(page, entry, article.title)]))
    return _own_text(entry)


def _further_texts(page: Fetched, entry: Entry, title: str) -> Iterator[str]:
    """Yield the texts of further pages without the title that each repeats."""
    for body in page.further:
        text = extract(decode(replace(page, body=body)), page.url, entry.source.selector).text
        yield text.removeprefix(f"# {title}").strip()


def _own_text(entry: Entry) -> Article:
    """Return the text that the source itself carries."""
    match entry.format:
        case "html" if entry.source.kind == "folder":
            return extract(entry.body, entry.url, entry.source.selector)
        case "html":
            return Article("", to_markdown(visible_html(entry.body, entry.url), entry.base or entry.url))
        case "markdown" | "mdx":
            body = entry.body
            if entry.source.kind == "folder":
                body = plain_markdown(body, {"title": entry.title}, is_mdx=entry.format == "mdx")
            return _from_markdown(body)
        case "rst" | "asciidoc":
            return _titled(read_markup(entry.format, entry.body, entry.url))
        case "notebook" | "pdf" | "docx" | "epub":
            return Article("", "")
        case "text":
            return Article("", tidy(entry.body))
        case _:
            assert_never(entry.format)


def _from_markdown(body: str) -> Article:
    return _titled(Article("", tidy(visible_markdown(body))))


def _titled(article: Article) -> Article:
    """Give an article without a title that of its first heading."""
    if article.title:
        return article
    blocks = parse_blocks(article.text)
    headings = (heading_text(block) for block in blocks if block.kind == "heading" and block.level == 1)
    return replace(article, title=next(filter(None, headings), ""))
