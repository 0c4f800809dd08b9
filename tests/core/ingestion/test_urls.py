"""Each post has one URL, however it is written."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.ingestion.urls import (
    accept_canonical,
    clean_url,
    extract_canonical,
    site_host,
    synthetic_url,
    url_identity,
)

POST = "https://blog.example/a/"


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("HTTPS://Blog.Example/a/", POST),
        ("https://blog.example:443/a/", POST),
        ("http://blog.example:80/", "http://blog.example/"),
        ("https://blog.example:8443/a", "https://blog.example:8443/a"),
        ("https://me:secret@blog.example/a/", POST),
        ("https://blog.example/a/#comments", POST),
        ("https://blog.example/a/#", POST),
        ("https://blog.example/x/../a/", POST),
        ("  https://blog.example/a/\n", POST),
        ("https://blog.example/a/?utm_source=rss&utm_medium=feed", POST),
        ("https://blog.example/a/?UTM_Source=rss&fbclid=1&gclid=2&mc_cid=3&_hsenc=4&msclkid=5", POST),
        ("https://blog.example/a/?source=rss-12ab------2", POST),
        ("https://blog.example/?p=7&utm_source=rss", "https://blog.example/?p=7"),
        ("https://blog.example/?p=7&source=book", "https://blog.example/?p=7&source=book"),
        ("https://blog.example/?clid=1&pk=2&utm=3&hsa=4", "https://blog.example/?clid=1&pk=2&utm=3&hsa=4"),
        ("https://blog.example/?q=a+b&x=%26&utm_id=1", "https://blog.example/?q=a+b&x=%26"),
        ("https://blog.example/%e6%97%a5%7E", "https://blog.example/%E6%97%A5~"),
        ("https://blog.example/日", "https://blog.example/%E6%97%A5"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://blog.example/#!/a", "https://blog.example/#!/a"),
        ("https://blog.example/app#/a", "https://blog.example/app#/a"),
        ("manual/a.md", "manual/a.md"),
        ("http://[bad", "http://[bad"),
        ("mailto:me@blog.example", "mailto:me@blog.example"),
        ("", ""),
    ],
)
def test_url_is_normalized(written: str, address: str) -> None:
    assert clean_url(written) == address


@pytest.mark.parametrize(
    "other",
    [
        "https://blog.example/a",
        "http://blog.example/a/",
        "https://www.blog.example/a/",
        "https://BLOG.example:443/a/?utm_source=x#top",
        "http://blog.example:80/a",
        "https://blog.example./a/",
    ],
)
def test_urls_of_one_post_have_the_same_identity(other: str) -> None:
    assert url_identity(other) == url_identity(POST)


def test_parameter_order_does_not_change_identity() -> None:
    assert url_identity("https://blog.example/?a=1&b=2") == url_identity("https://blog.example/?b=2&a=1")


@pytest.mark.parametrize(
    "other",
    [
        "https://blog.example/A/",
        "https://blog.example/a/?p=2",
        "https://blog.example/a/b/",
        "https://blog.example/",
        "https://other.example/a/",
        "https://blog.example:8443/a/",
        "https://blog.example/a/#!/b",
        "https://blog.example/%61%2F",
        "manual/a.md",
        "http://[bad",
    ],
)
def test_urls_of_different_posts_differ_in_identity(other: str) -> None:
    assert url_identity(other) != url_identity(POST)


def test_entries_without_link_get_distinct_urls() -> None:
    one, two = synthetic_url("https://blog.example/#x", "tag:1"), synthetic_url("https://blog.example/", "tag 2/ü#")
    assert (one, two) == ("https://blog.example/#entry:tag:1", "https://blog.example/#entry:tag%202/%C3%BC%23")
    assert url_identity(one) != url_identity(two) != url_identity("https://blog.example/")
    assert clean_url(one) == one


ADDRESSES = st.one_of(
    st.text(max_size=40),
    st.builds(
        "{}{}{}{}{}{}{}".format,
        st.sampled_from(["http://", "https://", "HTTP://", "//", "ftp://", ""]),
        st.sampled_from(["", "me@", "me:pw@", "@"]),
        st.sampled_from(
            ["blog.example", "WWW.Blog.example", "b.example.", "[::1]", "127.1", "bücher.example", "-", ""]
        ),
        st.sampled_from(["", ":80", ":443", ":8080", ":", ":x", ":99999"]),
        st.text(st.sampled_from("/ab.%2f+ü;日~&\\"), max_size=12),
        st.one_of(st.just(""), st.text(st.sampled_from("ab=&+%20utm_fbclid;ü?"), max_size=16).map("?{}".format)),
        st.one_of(st.just(""), st.text(st.sampled_from("a!/entry:%ü#"), max_size=8).map("#{}".format)),
    ),
)


@given(ADDRESSES)
@example("HTTP://A.¡")
@example("http://b.example/?%2575tm_a=1")
@settings(max_examples=50, deadline=None)
def test_cleaning_is_idempotent_and_keeps_identity(address: str) -> None:
    once = clean_url(address)
    assert clean_url(once) == once
    assert url_identity(once) == url_identity(address)
    assert site_host(once) == site_host(address)


@pytest.mark.parametrize(
    ("head", "address"),
    [
        ('<link rel="canonical" href="https://blog.example/a/">', POST),
        ("<LINK HREF='/a/' REL='Canonical'>", POST),
        ("<link rel=canonical href=../a/ />", POST),
        ('<link rel="shortlink canonical" href="/a/?x=1&amp;y=2">', "https://blog.example/a/?x=1&y=2"),
        ('<link\n  data-x="<" rel="canonical"\n  href=" /a/ ">', ""),
        ('<link rel="stylesheet" href="/a.css"><link rel="canonical" href="/a/">', POST),
        ('<link rel="canonical" href="/a/"><link rel="canonical" href="/a/">', POST),
        ('<link rel="canonical" href="/a/"><link rel="canonical" href="/b/">', ""),
        ('<!-- <link rel="canonical" href="/a/"> -->', ""),
        ('<link rel="canonical" href="">', ""),
        ('<link rel="canonical">', ""),
        ('<link rel="canonical" href="http://[bad">', ""),
        ('</head><body><link rel="canonical" href="/a/">', ""),
        ("", ""),
    ],
)
def test_canonical_link_is_extracted(head: str, address: str) -> None:
    assert extract_canonical(f"<html><head>{head}</head>".encode(), "https://blog.example/b/c") == address


@pytest.mark.parametrize(
    ("said", "page", "address"),
    [
        ("https://blog.example/a/?utm_source=x#y", "https://blog.example/?p=1", POST),
        ("https://blog.example/a/", "http://www.blog.example/a/amp/", POST),
        ("https://bank.example/a/", POST, ""),
        ("https://evil.blog.example/a/", POST, ""),
        ("https://blog.example:8443/a/", POST, ""),
        ("https://blog.example/", POST, ""),
        ("https://blog.example/", "https://blog.example/?utm_source=x", "https://blog.example/"),
        ("javascript:alert(1)", POST, ""),
        ("file:///etc/passwd", POST, ""),
        ("", POST, ""),
    ],
)
def test_canonical_link_is_accepted_within_its_site(said: str, page: str, address: str) -> None:
    assert accept_canonical(said, page) == address


@given(st.binary(max_size=200), st.text(max_size=30), st.text(max_size=30))
@settings(max_examples=50)
def test_arbitrary_canonical_links_stay_on_their_site(noise: bytes, address: str, page: str) -> None:
    found = extract_canonical(b'<link rel="canonical" href="' + noise, POST)
    other = extract_canonical(b"<link " + noise + b' rel=canonical href="/a/">', POST)
    for canonical in (found, other, address):
        for url in (page, POST):
            accepted = accept_canonical(canonical, url)
            assert not accepted or site_host(accepted) == site_host(url)
