"""Title, author and date of a page, and pages that are no posts."""

from datetime import UTC, datetime

import pytest

from core.domain import Source
from core.errors import SourceReadError
from core.ingestion.article import decode, extract
from core.ingestion.entries import Entry
from core.ingestion.fetch_result import Fetched
from tests.core.ingestion.helpers import to_post

ADDRESS = "https://blog.example/bees/"
TEXT = "<p>The hives stand on a flat roof, and in winter the bees keep the queen warm all night.</p>" * 3
LONG = "<p>" + "The hives stand on a flat roof, and in winter the bees keep the queen warm all night. " * 20 + "</p>"


def page(head: str, body: str = TEXT) -> str:
    return f"<html><head>{head}</head><body><main><article>{body}</article></main></body></html>"


@pytest.mark.parametrize(
    ("head", "heading"),
    [
        ("<title>Bees on roofs | The Hive</title>", "<h1>Bees on roofs</h1>"),
        ("<title>The Hive – Bees on roofs</title>", "<h1>Bees on roofs</h1>"),
        ("<meta property='og:title' content='Bees on roofs - The Hive'>", "<h1>Bees on roofs</h1>"),
        ("<meta property='og:title' content='Bees on roofs'><title>Bees on roofs | The Hive</title>", ""),
        ("<meta property='og:site_name' content='The Hive'><title>Bees on roofs :: The Hive</title>", ""),
        ("<meta property='og:site_name' content='The Hive'><title>Bees on roofs</title>", "<h1>The Hive</h1>"),
        ("<title>Bees on roofs — The Hive</title>", "<h1>The Hive</h1><h1>Bees on roofs</h1>"),
        ("<title>Bees on roofs | The Hive</title>", "<h1 class='site-title'>The Hive</h1><h2>Bees on roofs</h2>"),
        ("<title>The Hive | Bees on roofs</title>", "<h1><a href='/'>The Hive</a></h1>"),
        ('<script type="application/ld+json">{"@type": "WebSite", "name": "The Hive"}</script>'
         "<title>Bees on roofs · The Hive</title>", ""),
    ],
)  # fmt: skip
def test_title_is_that_of_the_post_without_the_name_of_the_site(head: str, heading: str) -> None:
    assert extract(page(head, heading + TEXT), ADDRESS).title == "Bees on roofs"


@pytest.mark.parametrize("title", ["Bees - and wasps", "C++ / Rust", "Part 2: Bees"])
def test_title_keeps_separators_of_its_own(title: str) -> None:
    assert extract(page(f"<title>{title}</title>"), ADDRESS).title == title


LD_JSON = '<script type="application/ld+json">{}</script>'


@pytest.mark.parametrize(
    ("head", "body", "url"),
    [
        (
            LD_JSON.format('{"@graph": [{"@type": "BlogPosting", "datePublished": "2023-03-05T10:00:00+02:00"}]}'),
            "",
            ADDRESS,
        ),
        (LD_JSON.format('[{"@type": ["NewsArticle"], "datePublished": "2023-03-05"}]'), "", ADDRESS),
        ("<meta property='article:published_time' content='2023-03-05T08:00:00Z'>", "", ADDRESS),
        ("<meta itemprop='datePublished' content='2023-03-05'>", "", ADDRESS),
        ("", "<time datetime='2023-03-05'>5 March</time>", ADDRESS),
        ("", "<time itemprop='datePublished' datetime='2023-03-05T08:00'>5 March</time>", ADDRESS),
        ("", "", "https://blog.example/2023/03/05/bees/"),
        ("", "", "https://blog.example/posts/2023-03-05-bees.html"),
        (LD_JSON.format("{broken") + "<meta name='date' content='2023-03-05'>", "", ADDRESS),
    ],
)
def test_date_of_publication_is_found(head: str, body: str, url: str) -> None:
    published = extract(page(head, f"<h1>Bees</h1>{body}{TEXT}"), url).published
    assert published is not None
    assert published.astimezone(UTC).date() == datetime(2023, 3, 5, tzinfo=UTC).date()


@pytest.mark.parametrize(
    "head",
    [
        "<meta property='article:modified_time' content='2023-03-05'>",
        "<meta name='date' content='soon'>",
        LD_JSON.format('{"@type": "BlogPosting", "dateModified": "2023-03-05"}'),
        LD_JSON.format('{"@type": "BlogPosting", "datePublished": "0001-01-01"}'),
    ],
)
def test_other_dates_are_not_taken_for_that_of_publication(head: str) -> None:
    assert extract(page(head), ADDRESS).published is None


@pytest.mark.parametrize(
    "head",
    [
        LD_JSON.format('{"@type": "BlogPosting", "author": {"@type": "Person", "name": "Ada Bee"}}'),
        LD_JSON.format('{"@type": "Article", "author": [{"name": "Ada Bee"}]}'),
        "<meta name='author' content='Ada Bee'>",
        "<link><a rel='author' href='/ada'>Ada Bee</a>",
    ],
)
async def test_author_and_date_of_a_page_are_kept_with_the_post(head: str) -> None:
    html = page("<meta name='date' content='2023-03-05'>" + head)
    entry = Entry(ADDRESS, "", Source("blog", "sitemap", ADDRESS))
    post = await to_post(entry, Fetched(ADDRESS, html.encode(), "text/html", "utf-8"))
    assert (post.author, post.published) == ("Ada Bee", datetime(2023, 3, 5, tzinfo=UTC))


NOTICES = {
    "<h1>Sign in</h1><form action='/login'><input name='user'><input type='password'></form>": "it asks for a log-in",
    "<p>To view it, enter the password below:</p><form class='post-password-form'><input type='password'></form>":
        "it is protected by a password",
    "<h1>We value your privacy</h1><p>We use cookies. Accept all cookies to go on, or manage your choices.</p>":
        "it shows a notice about cookies instead of the post",
    "<p>Wir verwenden Cookies. Bitte akzeptieren Sie alle Cookies, um weiterzulesen.</p>":
        "it shows a notice about cookies instead of the post",
    "<noscript>You need to enable JavaScript to run this app.</noscript><div id='root'></div>":
        "it shows its text only with JavaScript",
    "<p>Bitte aktivieren Sie JavaScript, um diese Seite zu sehen.</p>": "it shows its text only with JavaScript",
    "<h1>404</h1><p>Sorry, there is nothing here.</p>": "it says that the page was not found",
    "<h1>Page not found</h1><p>The page you requested does not exist.</p>": "it says that the page was not found",
    "<h1>Seite nicht gefunden</h1><p>Vielleicht hilft die Suche.</p>": "it says that the page was not found",
    "<h1>Just a moment...</h1><p>Checking your browser before you go on.</p>":
        "it shows a check for robots instead of the post",
    "<meta http-equiv='refresh' content='0; url=/new/'><p>This page has moved. <a href='/new/'>Click here</a>.</p>":
        "it only forwards to another page",
}  # fmt: skip


@pytest.mark.parametrize("body", NOTICES)
async def test_notice_in_place_of_a_post_is_a_failure_with_a_reason(body: str) -> None:
    entry = Entry(ADDRESS, "", Source("blog", "sitemap", ADDRESS))
    fetched = Fetched(ADDRESS, f"<html><body><div>{body}</div></body></html>".encode(), "text/html", "utf-8")
    with pytest.raises(SourceReadError) as caught:
        await to_post(entry, fetched)
    assert caught.value.reason == NOTICES[body]


@pytest.mark.parametrize("body", NOTICES)
async def test_text_of_the_feed_is_used_where_the_page_is_a_notice(body: str) -> None:
    entry = Entry(ADDRESS, "Bees", Source("blog", "feed", ADDRESS), body="<p>Bees keep the queen warm.</p>")
    post = await to_post(entry, Fetched(ADDRESS, f"<body>{body}</body>".encode(), "text/html", "utf-8"))
    assert (post.title, post.text) == ("Bees", "Bees keep the queen warm.")


async def test_text_of_the_feed_is_used_where_the_page_has_none() -> None:
    entry = Entry(ADDRESS, "Bees", Source("blog", "feed", ADDRESS), body="<p>A film about bees.</p>")
    post = await to_post(entry, Fetched(ADDRESS, b"<body><video src='x'></video></body>", "text/html", "utf-8"))
    assert post.text == "A film about bees."


@pytest.mark.parametrize(
    "body",
    [
        f"<h1>How we fixed our 404 page</h1>{LONG}",
        f"<h1>Cookies and consent</h1>{LONG}<p>Accept cookies? We use no cookies.</p>",
        f"{LONG}<form action='/login'><input type='password'></form>",
        f"{LONG}<noscript>Please enable JavaScript to view the comments.</noscript>",
        "<h1>Baking cookies</h1><p>Cookies need butter, and an oven that is hot when they go in.</p>",
        "<h1>Scripts</h1><p>JavaScript has closures, which is why we like it on our honey pages.</p>",
    ],
)
def test_post_about_such_things_is_read(body: str) -> None:
    article = extract(page("", body), ADDRESS)
    assert (bool(article.text), article.notice) == (True, "")


@pytest.mark.parametrize("body", [b"%PDF-1.7 \xff", b"\x89PNG\r\n\x1a\n\0\0", b"PK\x03\x04rest", b"\0\1\2\3" * 100])
def test_binary_file_served_as_text_is_refused(body: bytes) -> None:
    with pytest.raises(SourceReadError, match="it is not text"):
        decode(Fetched(ADDRESS, body, "text/html", None))
