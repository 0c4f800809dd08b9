"""Links and redirects reach public addresses only, however the address is written."""

from collections.abc import AsyncIterator

import pytest

from core.errors import SourceReadError
from core.ingestion.entries import Entry, EntrySkipped
from core.ingestion.fetch_result import LISTING, PAGE, ROBOTS, AddressBlockedError, Fetched
from core.ingestion.fetcher import Fetcher
from core.ingestion.sources import fetch_page
from core.ingestion.ssrf import is_public
from tests.core.ingestion.conftest import POLICY
from tests.core.ingestion.helpers import events_of, fetch, source
from tests.servers.hostile import HostileSite, RawResponse, StubResolver

OPEN = "127.0.1.1"
"""Stands for the whole internet; every other loopback address is as private as it is."""

pytestmark = pytest.mark.allow_hosts(["127.0.0.1", OPEN, "::1"])

PAGE_OF_WORDS = RawResponse(b"<p>Words.</p>")
SECRET = RawResponse(b"<p>The launch code is 1234.</p>")
SITEMAP = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{}</urlset>'
INDEX = '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{}</sitemapindex>'
FEED = '<rss version="2.0"><channel>{}<item><title>One</title><link>{}</link></item></channel></rss>'
NEXT = '<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="next" href="{}"/>'


@pytest.fixture
async def private() -> AsyncIterator[HostileSite]:
    """A site in a private network."""
    async with HostileSite({"/secret/": SECRET, "/feed/": RawResponse(b"<rss/>", "application/rss+xml")}) as site:
        yield site


@pytest.fixture
async def blog() -> AsyncIterator[HostileSite]:
    """A public blog, to which names in `names` resolve."""
    async with HostileSite({"/post/": PAGE_OF_WORDS}, host=OPEN) as site:
        yield site


@pytest.fixture
def names() -> StubResolver:
    return StubResolver(
        blog_example=[[OPEN]],
        other_example=[[OPEN]],
        inside_example=[["127.0.0.1"]],
        inside6_example=[["::1"]],
        mapped_example=[["::ffff:127.0.0.1"]],
        both_example=[["127.0.0.1", OPEN]],
        turning_example=[[OPEN], ["127.0.0.1"]],
    )


@pytest.fixture
async def fetcher(names: StubResolver) -> AsyncIterator[Fetcher]:
    async with Fetcher("Footnoted", POLICY, names, lambda address: address == OPEN or is_public(address)) as fetcher:
        yield fetcher


async def linked(blog: HostileSite, fetcher: Fetcher, address: str) -> Fetched:
    """Fetch a post of the blog's feed at this address."""
    entry = Entry(address, "", source("feed", blog.url("/feed/", "blog.example")))
    page = await fetch_page(entry, fetcher)
    assert isinstance(page, Fetched)
    return page


async def test_link_to_another_public_site_is_fetched(blog: HostileSite, fetcher: Fetcher) -> None:
    for name in ("blog.example", "other.example", OPEN):
        assert b"Words." in (await linked(blog, fetcher, blog.url("/post/", name))).body


@pytest.mark.parametrize(
    "name",
    [
        "127.0.0.1",
        "localhost",
        "inside.example",
        "inside6.example",
        "mapped.example",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "0.0.0.0",
        "[::]",
        "①②⑦.⓪.⓪.①",
        "blog.example@127.0.0.1",
    ],
)
async def test_link_to_private_address_is_blocked(
    name: str, blog: HostileSite, private: HostileSite, fetcher: Fetcher
) -> None:
    with pytest.raises(SourceReadError, match=r"it leads to an (invalid )?address|its host name cannot be resolved"):
        await linked(blog, fetcher, private.url("/secret/", name))
    assert not private.requests


@pytest.mark.parametrize(
    ("status", "name"),
    [(301, "127.0.0.1"), (302, "inside.example"), (303, "0x7f.1"), (307, "127.0.0.1"), (308, "inside.example")],
)
async def test_redirect_to_private_address_is_blocked(
    status: int, name: str, blog: HostileSite, private: HostileSite, fetcher: Fetcher
) -> None:
    blog.answers["/post/"] = RawResponse(status=status, headers={"Location": "/further/"})
    blog.answers["/further/"] = RawResponse(status=status, headers={"Location": private.url("/secret/", name)})
    with pytest.raises(AddressBlockedError) as caught:
        await linked(blog, fetcher, blog.url("/post/", "blog.example"))
    assert caught.value.reason == "it leads to an address that is not public"
    assert caught.value.address == blog.url("/post/", "blog.example")
    assert not private.requests


async def test_dns_rebinding_is_blocked(blog: HostileSite, fetcher: Fetcher, names: StubResolver) -> None:
    """The private site listens on the same port as the public one."""
    async with HostileSite({"/post/": SECRET}, port=blog.port) as private:
        # Every request needs a connection of its own, and the name is asked for each.
        for path in ("/robots.txt", "/post/"):
            blog.answers[path] = RawResponse(
                blog.answers.get(path, RawResponse()).body, headers={"Connection": "close"}
            )
        address = blog.url("/post/", "turning.example")
        assert isinstance(await fetcher.fetch(blog.url("/robots.txt", "turning.example"), blog.url(), ROBOTS), Fetched)
        fetcher.clear_dns_cache()
        with pytest.raises(AddressBlockedError):
            await linked(blog, fetcher, address)
        assert names.lookups["turning.example"] == 2
        assert not private.requests


async def test_host_with_several_addresses_is_reached_at_the_public_one(blog: HostileSite, fetcher: Fetcher) -> None:
    async with HostileSite({"/post/": SECRET}, port=blog.port) as private:
        assert b"Words." in (await linked(blog, fetcher, blog.url("/post/", "both.example"))).body
        assert not private.requests


async def test_listing_cannot_lead_to_private_listing(
    blog: HostileSite, private: HostileSite, fetcher: Fetcher
) -> None:
    inside = private.url("/secret/")
    blog.answers["/sitemap.xml"] = RawResponse(
        INDEX.format(f"<sitemap><loc>{inside}</loc></sitemap>").encode(), "text/xml"
    )
    blog.answers["/feed/"] = RawResponse(FEED.format(NEXT.format(inside), "/post/").encode(), "text/xml")
    for listing in (source("sitemap", blog.url("/sitemap.xml")), source("feed", blog.url("/feed/"))):
        events = await events_of(listing, fetcher)
        assert EntrySkipped(inside, "it leads to an address that is not public") in events
    assert not private.requests


async def test_robots_txt_cannot_redirect_to_private_address(
    blog: HostileSite, private: HostileSite, fetcher: Fetcher
) -> None:
    blog.answers["/robots.txt"] = RawResponse(status=302, headers={"Location": private.url("/secret/")})
    with pytest.raises(AddressBlockedError):
        await linked(blog, fetcher, blog.url("/post/", "blog.example"))
    assert not private.requests


async def test_configured_source_may_be_private(private: HostileSite, fetcher: Fetcher) -> None:
    for name in ("127.0.0.1", "inside.example"):
        home = private.url("/feed/", name)
        assert isinstance(await fetcher.fetch(home, home, LISTING), Fetched)
        assert isinstance(await fetcher.fetch(private.url("/secret/", name), home, PAGE), Fetched)
        private.answers["/old/"] = RawResponse(status=301, headers={"Location": "/secret/"})
        assert isinstance(await fetcher.fetch(private.url("/old/", name), home, PAGE), Fetched)


@pytest.mark.parametrize("where", ["http://127.0.0.1:{other}/secret/", "http://inside.example:{port}/secret/"])
async def test_other_port_or_name_of_configured_host_is_blocked(
    where: str, private: HostileSite, fetcher: Fetcher
) -> None:
    async with HostileSite({"/secret/": SECRET}) as other:
        home = private.url("/feed/")
        where = where.format(other=other.port, port=private.port)
        private.answers["/moved/"] = RawResponse(status=301, headers={"Location": where})
        for address in (where, private.url("/moved/")):
            with pytest.raises(AddressBlockedError):
                await fetcher.fetch(address, home, PAGE)
        assert not other.requests
        assert "/secret/" not in private.requests


async def test_trust_in_one_source_does_not_extend_to_another(
    blog: HostileSite, private: HostileSite, fetcher: Fetcher
) -> None:
    """Neither an open connection to the private site nor its cached robots.txt helps."""
    await fetch(fetcher, private.url("/secret/"))
    with pytest.raises(AddressBlockedError):
        await linked(blog, fetcher, private.url("/secret/"))
    assert private.requests["/secret/"] == 1


async def test_credentials_are_sent_only_to_their_origin(
    blog: HostileSite, private: HostileSite, fetcher: Fetcher
) -> None:
    home = private.url("/feed/", "me:s%C3%BCcret@127.0.0.1")
    private.answers["/out/"] = RawResponse(status=302, headers={"Location": blog.url("/post/", "you:pw@blog.example")})
    await fetcher.fetch(home, home, LISTING)
    assert private.headers["/feed/"]["Authorization"] == "Basic bWU6c8O8Y3JldA=="
    fetched = await fetcher.fetch(private.url("/out/"), home, PAGE)
    assert private.headers["/out/"]["Authorization"]
    assert "Authorization" not in blog.headers["/post/"]
    assert fetched.url == blog.url("/post/", "blog.example")


async def test_password_is_not_shown_in_errors(private: HostileSite, fetcher: Fetcher) -> None:
    home = private.url("/nowhere/", "me:secret@127.0.0.1")
    with pytest.raises(SourceReadError) as caught:
        await fetch(fetcher, home)
    assert caught.value.address == private.url("/nowhere/")
    assert "secret" not in caught.value.user_message


@pytest.mark.parametrize(
    "place",
    [
        "file:///etc/passwd",
        "ftp://blog.example/",
        "gopher://blog.example/",
        "data:text/html,x",
        "javascript:1",
        "unix:/x",
    ],
)
async def test_only_http_and_https_are_supported(place: str, blog: HostileSite, fetcher: Fetcher) -> None:
    blog.answers["/post/"] = RawResponse(status=302, headers={"Location": place})
    for address in (place, blog.url("/post/", "blog.example")):
        with pytest.raises(SourceReadError, match="only http and https addresses are supported"):
            await linked(blog, fetcher, address)


async def test_cookies_are_not_sent_back(blog: HostileSite, fetcher: Fetcher) -> None:
    blog.answers["/post/"] = RawResponse(b"<p>Words.</p>", headers={"Set-Cookie": "a=b"})
    for _ in range(2):
        await linked(blog, fetcher, blog.url("/post/", "blog.example"))
    assert "Cookie" not in blog.headers["/post/"]
