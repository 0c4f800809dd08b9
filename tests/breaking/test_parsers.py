"""Parsers of outside input never crash, hang or use more memory than the input."""

import os
import time
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.slack.events import MessageReceived, parse_event
from adapters.slack.identity import BotIdentity
from bot.config.loader import load_settings
from bot.config.settings import Settings
from core.answering.citations import CitationFilter
from core.domain import Passage, Source
from core.errors import SourceReadError, StartupError
from core.ingestion.article import extract
from core.ingestion.feed_parser import parse_feed
from core.ingestion.fetch_result import Fetched
from core.ingestion.html_to_markdown import to_markdown
from core.models.protocols import NumberedPassage

ADDRESS = "https://blog.example/feed"
SOURCE = Source("blog", "feed", ADDRESS)
ME = BotIdentity("U0BOT", "B0BOT", "T0TEAM")
FEED = (
    b'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">'
    b"<channel><title>Blog</title><link>https://blog.example/</link><item><title>Bees</title><link>/bees</link>"
    b"<guid>1</guid><pubDate>Wed, 25 Nov 2026 10:00:00 GMT</pubDate><content:encoded><![CDATA[<p>They shiver.</p>]]>"
    b"</content:encoded></item></channel></rss>"
)
MANY = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

TAGS = "html head body article main div p pre code table tr td ul li a img svg math template script style title".split()
pieces = st.one_of(
    st.sampled_from(
        [f"<{tag}>" for tag in TAGS]
        + [f"</{tag}>" for tag in TAGS]
        + [
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "<a href='",
            "'>",
            "<p style=display:none>",
            "&#x110000;",
            "&nbsp;",
            "\0",
            "\x1f",
            "&#31;",
            "<pre>",
            "\ud800",
        ]
    ),
    st.text(max_size=20),
)
soup = st.lists(pieces, max_size=60).map("".join)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@MANY
@given(soup)
def test_any_html_becomes_text_or_an_error_with_a_reason(html: str) -> None:
    try:
        extract(html, ADDRESS)
    except SourceReadError as error:
        assert error.reason
    assert isinstance(to_markdown(html.encode(errors="replace").decode(), ADDRESS), str)


@MANY
@given(
    st.lists(st.tuples(st.integers(0, len(FEED) - 1), st.binary(max_size=4)), max_size=12), st.integers(0, len(FEED))
)
def test_damaged_feed_is_read_in_part_or_rejected(damage: list[tuple[int, bytes]], length: int) -> None:
    body = bytearray(FEED)
    for place, put in damage:
        body[place : place + len(put)] = put
    for one in (bytes(body), bytes(body[:length])):
        try:
            page = parse_feed(Fetched(ADDRESS, one, "application/rss+xml", ""), SOURCE)
        except SourceReadError as error:
            assert error.reason
        else:
            assert len(page.entries) <= 1 + one.count(b"<item")


EVENT = {
    "type": "message", "channel": "C1", "user": "U1", "text": "hello", "ts": "1.2", "team": "T1", "channel_type": "im",
    "thread_ts": "1.1", "subtype": "message_changed", "message": {"user": "U1", "text": "x", "ts": "1.2"},
    "previous_message": {"user": "U1", "text": "y", "ts": "1.2"}, "deleted_ts": "1.2", "bot_id": "B1",
    "edited": {"ts": "2"},
}  # fmt: skip


@MANY
@given(
    st.dictionaries(st.sampled_from(sorted(EVENT)), json_values, max_size=6), st.sets(st.sampled_from(sorted(EVENT)))
)
def test_any_slack_payload_is_parsed_or_ignored(changed: dict[str, Any], missing: set[str]) -> None:
    event = {name: value for name, value in (EVENT | changed).items() if name not in missing}
    read = parse_event({"type": "event_callback", "team_id": "T1", "event": event}, ME)
    assert read is None or isinstance(read.name, str)
    if isinstance(read, MessageReceived):
        assert all(isinstance(value, str) for value in (read.team, read.channel, read.user, read.ts, read.text))


@MANY
@given(
    st.dictionaries(
        st.sampled_from(sorted(Settings.model_fields)),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
        max_size=6,
    )
)
def test_any_setting_value_is_accepted_or_reported_with_a_remedy(values: dict[str, str]) -> None:
    with patch.dict(os.environ, {name.upper(): value for name, value in values.items()}):
        try:
            load_settings()
        except StartupError as error:
            assert all(problem.what and problem.cure for problem in error.problems)


@pytest.mark.parametrize("endless", ["[", "[1", "`", "~~~", "https://", "![", "[a](", "www.", "\\", " "])
def test_endless_repetition_by_a_model_takes_linear_time_and_output(endless: str) -> None:
    passage = Passage("https://blog.example/bees", "Bees", "", "Bees eat honey.")
    citing = CitationFilter([NumberedPassage(1, passage, 0.5), NumberedPassage(2, passage, 0.5)])
    began, shown = time.perf_counter(), 0
    for _ in range(2_000):
        shown += len(citing.read(endless * 10))
    shown += len(citing.end())
    assert shown <= 2_000 * 10 * len(endless) + 100
    assert time.perf_counter() - began < 10
