"""A post whose text is too short to tell its language is in the one that its source declares."""

from pathlib import Path

import pytest

from core.domain import Source
from core.ingestion.entries import Entry
from core.ingestion.feed_parser import parse_feed
from core.ingestion.fetch_result import Fetched
from core.ingestion.fetcher import Fetcher
from core.ingestion.sources import parse_post
from tests.core.ingestion.helpers import listed, source, to_post

BLOG = Source("blog", "feed", "https://blog.example/feed")
ITEM = "<title>kubectl</title><link>https://blog.example/a</link>{}<description>kubectl 1.29</description>"
FEED = (
    '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><link>https://blog.example/</link>'
    f"<language>pt-BR</language><item>{ITEM}</item></channel></rss>"
)


def entry_of(declared: str = "") -> Entry:
    body = FEED.format(declared).encode()
    (entry,) = parse_feed(Fetched(BLOG.address, body, "text/xml", None), BLOG).entries
    return entry


@pytest.mark.parametrize(("declared", "language"), [("", "pt"), ("<dc:language>it</dc:language>", "it")])
def test_language_of_a_feed_or_of_its_item_is_that_of_the_post(declared: str, language: str) -> None:
    assert parse_post(entry_of(declared), None).language == language


def test_language_of_a_page_counts_more_than_that_of_its_feed() -> None:
    page = Fetched("https://blog.example/a", b'<html lang="nl-BE"><article><p>kubectl 1.29', "text/html", None)
    assert parse_post(entry_of(), page).language == "nl"


@pytest.mark.parametrize("key", ["lang", "language"])
async def test_language_in_front_matter_is_that_of_the_post(tmp_path: Path, fetcher: Fetcher, key: str) -> None:
    (tmp_path / "a.md").write_text(f"---\n{key}: sv-SE\n---\n# kubectl\n\nkubectl 1.29\n")
    (entry,) = await listed(source("folder", str(tmp_path)), fetcher)
    assert isinstance(entry, Entry)
    assert (await to_post(entry, None)).language == "sv"
