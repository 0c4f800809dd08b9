"""Parser of feeds in JSON: JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/), and posts of WordPress' REST API."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from yarl import URL

from core.domain import Source
from core.errors import SourceReadError
from core.ingestion.charsets import decode
from core.ingestion.feed_items import FeedItem, FeedPage, join, strip_tags, text_to_html, to_entries
from core.ingestion.fetch_result import Fetched

MAX_POSTS = 100
"""Posts on a full page of WordPress, as requested."""

JsonObject = Mapping[str, Any]


def parse_json_feed(fetched: Fetched, source: Source, listing: str) -> FeedPage:
    """Parse a page of a feed in JSON. Raises SourceReadError if it is something else."""
    text, _ = decode(fetched.body, fetched.charset)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceReadError(fetched.url, f"it is not a feed (not JSON: {error})") from error
    match document:
        case {"version": str(version), "items": list(items)} if "jsonfeed.org" in version:
            return _json_feed(document, list(filter(_is_object, items)), fetched, source, listing)
        case [*posts] if all(_is_object(post) and isinstance(post.get("content"), dict) for post in posts):
            return _wordpress(posts, fetched, source, listing)
        case _:
            raise SourceReadError(fetched.url, "it is not a feed")


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _json_feed(feed: JsonObject, items: list[JsonObject], fetched: Fetched, source: Source, listing: str) -> FeedPage:
    home, language = _text(feed, "home_page_url"), _text(feed, "language")
    entries = to_entries([_item(item) for item in items], fetched, home, source, listing, language)
    following = join(fetched.url, _text(feed, "next_url"))
    return FeedPage(fetched.url, entries, next_page=following, complete=True, title=_text(feed, "title"))


def _item(item: JsonObject) -> FeedItem:
    attachments = [each for each in item.get("attachments") or () if _is_object(each)]
    return FeedItem(
        link=_text(item, "url"),
        identity=_text(item, "id"),
        title=_text(item, "title"),
        content=_text(item, "content_html") or text_to_html(_text(item, "content_text")),
        summary=text_to_html(_text(item, "summary")),
        published=_date(_text(item, "date_published")),
        modified=_date(_text(item, "date_modified")),
        language=_text(item, "language"),
        media=any(_text(each, "mime_type").startswith(("audio", "video")) for each in attachments),
    )


def _wordpress(posts: list[JsonObject], fetched: Fetched, source: Source, listing: str) -> FeedPage:
    items = [
        FeedItem(
            link=_text(post, "link"),
            title=strip_tags(_rendered(post, "title")),
            content=_rendered(post, "content"),
            summary=_rendered(post, "excerpt"),
            published=_date(_text(post, "date_gmt")),
            modified=_date(_text(post, "modified_gmt")),
        )
        for post in posts
    ]
    page = URL(listing)
    number = int(page.query.get("page", "1")) if page.query.get("page", "1").isdecimal() else 1
    following = str(page.update_query(page=str(number + 1))) if len(posts) == MAX_POSTS else ""
    return FeedPage(fetched.url, to_entries(items, fetched, "", source, listing), next_page=following)


def _rendered(post: JsonObject, name: str) -> str:
    value = post.get(name)
    return _text(value, "rendered") if isinstance(value, dict) else ""


def _text(values: JsonObject, name: str) -> str:
    """Return a text or a number as a text; empty for anything else."""
    value = values.get(name)
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _date(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
