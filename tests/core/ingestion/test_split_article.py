"""An article that a site splits over several pages is read whole; the next article is not taken for a part of it."""

import pytest

from core.errors import SourceReadError
from core.ingestion.entries import Entry
from core.ingestion.fetcher import Fetcher
from core.ingestion.split_article import next_page
from tests.core.ingestion.helpers import post_of, source
from tests.servers.hostile import HostileSite, RawResponse

FIRST = "https://blog.example/2023/bees/"
WORDS = "<p>The hives stand on a flat roof, and in winter the bees keep the queen warm on page {}.</p>" * 3


@pytest.mark.parametrize(
    ("first", "link", "expected"),
    [
        (FIRST, '<link rel="next" href="/2023/bees/2/">', FIRST + "2/"),
        (FIRST, "<a href='page/2' rel='next nofollow'>More</a>", FIRST + "page/2"),
        (FIRST, '<a class="post-page-numbers" href="2/"><span>2</span></a>', FIRST + "2/"),
        (FIRST, '<a href="?page=2&amp;x=1" rel=next>', ""),
        (FIRST, '<a href="?page=2" rel=next>', FIRST + "?page=2"),
        ("https://b.example/a.html", '<link rel="next" href="a-2.html">', "https://b.example/a-2.html"),
        (FIRST, '<a rel="next" href="/2023/wasps/">Next post</a>', ""),
        (FIRST, '<a rel="next" href="/2023/bees-2/">Next post</a>', ""),
        (FIRST, '<a rel="next" href="https://other.example/2023/bees/2/">', ""),
        (FIRST, '<a href="/2023/bees/2/">Two</a>', ""),
        (FIRST, '<a rel="next" href="/2023/bees/3/">', ""),
        ("https://blog.example/", '<a rel="next" href="/page/2/">Older posts</a>', ""),
        (FIRST, '<a rel="next" href="http://[">', ""),
    ],
)
def test_next_page_of_the_same_article_is_told_from_the_next_article(first: str, link: str, expected: str) -> None:
    assert next_page(f"<html>{link}</html>", first, 1) == expected


@pytest.fixture
def split(site: HostileSite) -> HostileSite:
    for number in (1, 2, 3):
        link = f'<link rel="next" href="/bees/{number + 1}/">' if number < 3 else '<link rel="next" href="/wasps/">'
        html = f"<head>{link}</head><body><article><h1>Bees</h1>{WORDS.format(*[number] * 3)}</article></body>"
        site.answers["/bees/" if number == 1 else f"/bees/{number}/"] = RawResponse(html.encode())
    return site


async def test_split_article_becomes_one_post(split: HostileSite, fetcher: Fetcher) -> None:
    post = await post_of(Entry(split.url("/bees/"), "", source("sitemap", split.url())), fetcher)
    assert post.url == split.url("/bees/")
    assert [post.text.count(f"on page {number}.") for number in (1, 2, 3)] == [3, 3, 3]
    assert post.text.count("# Bees") <= 1
    assert split.requests["/wasps/"] == 0


async def test_split_article_is_read_as_far_as_its_pages_exist(split: HostileSite, fetcher: Fetcher) -> None:
    del split.answers["/bees/3/"]
    post = await post_of(Entry(split.url("/bees/"), "", source("sitemap", split.url())), fetcher)
    assert [post.text.count(f"on page {number}.") for number in (1, 2, 3)] == [3, 3, 0]


async def test_page_that_fails_fails_the_whole_post(split: HostileSite, fetcher: Fetcher) -> None:
    split.answers["/bees/3/"] = RawResponse(status=403)
    with pytest.raises(SourceReadError):
        await post_of(Entry(split.url("/bees/"), "", source("sitemap", split.url())), fetcher)
