"""Feeds that XML parsers refuse are repaired where nothing is lost, and reported where something is."""

import pytest

from core.domain import Source
from core.errors import SourceReadError
from core.ingestion.feed_items import FeedPage
from core.ingestion.feed_parser import parse_feed
from core.ingestion.fetch_result import Fetched

FEED = """<?xml version="1.0" encoding="{charset}"?>
<rss version="2.0"><channel><title>Blog</title><link>https://blog.example/</link>
<item><title>Äpfel</title><link>https://blog.example/a</link><description>{text}</description></item></channel></rss>"""


def parsed(body: bytes, charset: str | None = None) -> FeedPage:
    return parse_feed(
        Fetched("https://blog.example/feed", body, "text/xml", charset),
        Source("blog", "feed", "https://blog.example/feed"),
    )


@pytest.mark.parametrize(
    ("before", "charset"),
    [
        ("\n", "windows-1252"),
        (" \t\r\n\n", "utf-8"),
        ("<br />\n<b>Warning</b>: Undefined variable in /srv/feed.php on line 3<br />\n", "utf-8"),
        ("\ufeff\n", "utf-8"),
    ],
)
def test_what_precedes_the_declaration_does_no_harm(before: str, charset: str) -> None:
    page = parsed((before + FEED.format(charset=charset, text="Größe")).encode(charset))
    assert [(entry.title, entry.body) for entry in page.entries] == [("Äpfel", "<p>Größe</p>")]
    assert not page.damage


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("caf&eacute;&nbsp;&ndash; 5&thinsp;&euro;", "café\xa0– 5\u2009€"),
        ("one &#x0B;two&#0; three\x0b\x08", "one two three"),
        ("a &#xD800; b", "a  b"),
        ("&lt;b&gt;bold&lt;/b&gt; &amp;copy;", "<b>bold</b> &copy;"),
        ("<![CDATA[<p>x &nbsp; y && z</p>]]>", "<p>x &nbsp; y && z</p>"),
    ],
)
def test_undeclared_characters_are_understood(written: str, read: str) -> None:
    page = parsed(FEED.format(charset="utf-8", text=written).encode())
    assert page.entries[0].body in {read, f"<p>{read}</p>"}
    assert not page.damage


def test_own_entities_are_kept() -> None:
    body = FEED.format(charset="utf-8", text="a &to; b &hellip;")
    body = body.replace("<rss", '<!DOCTYPE rss [<!ENTITY to "&#8594;">]>\n<rss')
    assert parsed(body.encode()).entries[0].body == "<p>a → b …</p>"


@pytest.mark.parametrize(
    ("body", "damage"),
    [
        (FEED.format(charset="utf-8", text="Tea & cake, AT&T; a?b=1&c=2"), "an & in it is not written as &amp;"),
        (
            FEED.format(charset="utf-8", text="x").encode().replace(b"pfel", b"pfel\xff"),
            "some of its letters are damaged",
        ),
    ],
)
def test_what_may_be_lost_is_reported(body: str | bytes, damage: str) -> None:
    page = parsed(body if isinstance(body, bytes) else body.encode())
    assert page.damage == f"it is not well-formed: {damage}"
    assert page.entries[0].title.startswith("Äpfel")
    assert page.entries[0].url == "https://blog.example/a"


def test_bare_ampersands_are_read() -> None:
    page = parsed(FEED.format(charset="utf-8", text="Tea & cake, AT&T; a?b=1&c=2").encode())
    assert page.entries[0].body == "<p>Tea &amp; cake, AT&amp;T; a?b=1&amp;c=2</p>"


def test_endless_ampersands_are_refused_at_once() -> None:
    with pytest.raises(SourceReadError, match="too many elements"):
        parsed(FEED.format(charset="utf-8", text="&" * 2_000_000).encode())
