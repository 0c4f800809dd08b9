"""Feeds in JSON are read as those in XML are."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from core.domain import Source
from core.errors import SourceReadError
from core.ingestion.feed_items import FeedPage
from core.ingestion.feed_parser import parse_feed
from core.ingestion.fetch_result import Fetched

ADDRESS = "https://blog.example/feed.json"
VERSION = "https://jsonfeed.org/version/1.1"


def parsed(document: Any, address: str = ADDRESS) -> FeedPage:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return parse_feed(Fetched(address, body, "application/feed+json", None), Source("blog", "feed", address), address)


def test_items_of_a_json_feed_become_entries() -> None:
    page = parsed(
        {
            "version": VERSION,
            "title": "Blog",
            "home_page_url": "https://blog.example/",
            "language": "de",
            "next_url": "/feed-2.json",
            "items": [
                {"id": "1", "url": "/eins", "title": "Eins", "content_html": "<p>Ganz.</p>", "language": "en",
                 "date_published": "2026-01-12T10:00:00+01:00", "date_modified": "2026-01-13T10:00:00Z"},
                {"id": 2, "content_text": "Map<String> & more\n\nNext paragraph"},
                {"id": "3", "url": "https://blog.example/drei", "summary": "Short."},
            ],
        }
    )  # fmt: skip
    one, two, three = page.entries
    assert (one.url, one.title, one.body, one.whole) == ("https://blog.example/eins", "Eins", "<p>Ganz.</p>", True)
    assert (one.published, one.language) == (datetime(2026, 1, 12, 9, tzinfo=UTC), "en")
    assert (two.url, two.body) == (
        "https://blog.example/#entry:2",
        "<p>Map&lt;String&gt; &amp; more</p><p>Next paragraph</p>",
    )
    assert (three.whole, three.language) == (False, "de")
    assert page.next_page == "https://blog.example/feed-2.json"


@pytest.mark.parametrize(
    "document",
    [
        {},
        [1, None],
        {"version": VERSION},
        {"version": VERSION, "items": {}},
        {"version": 1, "items": []},
        {"version": "2.0", "items": []},
        b'{"version": ',
        b"[" * 100_000,
    ],
)
def test_other_json_is_not_a_feed(document: Any) -> None:
    with pytest.raises(SourceReadError, match="it is not a feed"):
        parsed(document)


@pytest.mark.parametrize(
    "item",
    [
        {"id": None, "url": None, "title": 3, "content_html": ["x"], "attachments": "none"},
        {"url": "http://[bad", "content_text": "x", "attachments": [None, {"mime_type": 1}], "date_published": "soon"},
    ],
)
def test_odd_items_are_read_as_far_as_possible(item: dict[str, Any]) -> None:
    (entry,) = parsed({"version": VERSION, "items": [item, 7]}).entries
    assert entry.url.startswith("https://blog.example/feed.json#entry:")
