"""What strangers link to is read where everybody may go, and nowhere else, whatever it is called."""

from collections.abc import AsyncIterator

import pytest

from core.errors import SourceReadError
from core.ingestion.entries import Entry, EntrySkipped
from core.ingestion.fetch_result import LISTING, PAGE, ROBOTS, AddressBlockedError, Fetched
from core.ingestion.fetcher import Fetcher
from core.ingestion.sources import fetch_page
from core.ingestion.ssrf import is_public
from tests.core.ingestion.asking import events_of, fetch, source
from tests.core.ingestion.conftest import POLICY
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
    """What nobody outside may read."""
    async with HostileSite({"/secret/": SECRET, "/feed/": RawResponse(b"<rss/>", "application/rss+xml")}) as site:
        yield site


@pytest.fixture
async def blog() -> AsyncIterator[HostileSite]:
    """A stranger's blog, to which the names in `names` lead."""
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
    """What is read when a post of the blog's feed lies at the address."""
    entry = Entry(address, "", source("feed", blog.url("/feed/", "blog.example")))
    page = await fetch_page(entry, fetcher)
    assert isinstance(page, Fetched)
    return page


async def test_a_link_to_another_public_site_is_read(blog: HostileSite, fetcher: Fetcher) -> None:
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
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "127.1",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "0.0.0.0",
        "0",
        "[::]",
        "①②⑦.⓪.⓪.①",
        "me:pw@127.0.0.1",
        "blog.example@127.0.0.1",
    ],
)
async def test_a_link_to_what_is_private_is_not_followed(
    name: str, blog: HostileSite, private: HostileSite, fetcher: Fetcher
) -> None:
    with pytest.raises(SourceReadError, match=r"it leads to an (invalid )?address|its host name cannot be resolved"):
        await linked(blog, fetcher, private.url("/secret/", name))
    assert not private.requests


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("name", ["127.0.0.1", "inside.example", "0x7f.1"])
async def test_a_redirect_to_what_is_private_is_not_followed(
    status: int, name: str, blog: HostileSite, private: HostileSite, fetcher: Fetcher
) -> None:
    blog.answers["/post/"] = RawResponse(status=status, headers={"Location": "/further/"})
    blog.answers["/further/"] = RawResponse(status=status, headers={"Location": private.url("/secret/", name)})
    with pytest.raises(AddressBlockedError) as caught:
        await linked(blog, fetcher, blog.url("/post/", "blog.example"))
    assert caught.value.reason == "it leads to an address that is not public"
    assert caught.value.address == blog.url("/post/", "blog.example")
    assert not private.requests


async def test_a_name_that_means_something_else_a_moment_later_leads_nowhere(
    blog: HostileSite, fetcher: Fetcher, names: StubResolver
) -> None:
    """The private site listens at the very port of the public one."""
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
        assert names.asked["turning.example"] == 2
        assert not private.requests


async def test_of_a_name_with_several_addresses_the_public_ones_are_asked(blog: HostileSite, fetcher: Fetcher) -> None:
    async with HostileSite({"/post/": SECRET}, port=blog.port) as private:
        assert b"Words." in (await linked(blog, fetcher, blog.url("/post/", "both.example"))).body
        assert not private.requests


async def test_what_a_sitemap_or_a_feed_lists_further_is_not_read_in_private(
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


async def test_a_robots_txt_does_not_lead_in_either(blog: HostileSite, private: HostileSite, fetcher: Fetcher) -> None:
    blog.answers["/robots.txt"] = RawResponse(status=302, headers={"Location": private.url("/secret/")})
    with pytest.raises(AddressBlockedError):
        await linked(blog, fetcher, blog.url("/post/", "blog.example"))
    assert not private.requests


async def test_what_an_operator_configured_is_read_wherever_it_is(private: HostileSite, fetcher: Fetcher) -> None:
    for name in ("127.0.0.1", "inside.example"):
        home = private.url("/feed/", name)
        assert isinstance(await fetcher.fetch(home, home, LISTING), Fetched)
        assert isinstance(await fetcher.fetch(private.url("/secret/", name), home, PAGE), Fetched)
        private.answers["/old/"] = RawResponse(status=301, headers={"Location": "/secret/"})
        assert isinstance(await fetcher.fetch(private.url("/old/", name), home, PAGE), Fetched)


@pytest.mark.parametrize("where", ["http://127.0.0.1:{other}/secret/", "http://inside.example:{port}/secret/"])
async def test_another_door_of_a_configured_host_is_not_configured(
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


async def test_what_one_source_may_read_another_may_not(
    blog: HostileSite, private: HostileSite, fetcher: Fetcher
) -> None:
    """An open connection to the private site is at hand, and its robots.txt is known; neither helps."""
    await fetch(fetcher, private.url("/secret/"))
    with pytest.raises(AddressBlockedError):
        await linked(blog, fetcher, private.url("/secret/"))
    assert private.requests["/secret/"] == 1


async def test_a_name_and_a_password_stay_within_their_origin(
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


async def test_a_password_is_not_told(private: HostileSite, fetcher: Fetcher) -> None:
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
async def test_only_http_is_spoken(place: str, blog: HostileSite, fetcher: Fetcher) -> None:
    blog.answers["/post/"] = RawResponse(status=302, headers={"Location": place})
    for address in (place, blog.url("/post/", "blog.example")):
        with pytest.raises(SourceReadError, match="only http and https addresses are supported"):
            await linked(blog, fetcher, address)


async def test_cookies_are_not_kept(blog: HostileSite, fetcher: Fetcher) -> None:
    blog.answers["/post/"] = RawResponse(b"<p>Words.</p>", headers={"Set-Cookie": "a=b"})
    for _ in range(2):
        await linked(blog, fetcher, blog.url("/post/", "blog.example"))
    assert "Cookie" not in blog.headers["/post/"]
