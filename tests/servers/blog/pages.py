"""Posts, feeds, sitemaps and pages of the loopback blog."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Protocol
from urllib.parse import quote

XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
SITEMAPS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


WORDPRESS = """<!doctype html><html lang="en"><head>{meta}<title>{title} – A blog</title>
<link rel="alternate" type="application/rss+xml" href="/feed/"></head><body class="single"><header><nav><ul>
<li><a href="/">Home</a></li><li><a href="/about/">About</a></li></ul></nav></header><main><article class="post">
<header class="entry-header"><h1 class="entry-title">{title}</h1><time datetime="{date}">{date}</time></header>
<div class="entry-content">{html}</div><footer class="entry-meta">Filed under News. Share this post.</footer></article>
<section id="comments"><h2>Two thoughts on this</h2><p>First! Great post.</p><p>Subscribe!</p></section>
</main><aside class="widget-area"><h2>Recent posts</h2><ul>{recent}</ul></aside>
<footer>Proudly powered by nothing in particular.</footer></body></html>"""
PLAIN = """<!doctype html><html lang="en"><head>{meta}<title>{title}</title></head><body>
<div id="menu"><a href="/">Home</a></div><h1>{title}</h1><p><em>{date}</em></p>{html}
<div id="foot">All rights reserved. <ul>{recent}</ul></div></body></html>"""


@dataclass
class Post:
    """`date` is ISO 8601 in UTC. The flags are what its feed entries contain; `charset` is the page's."""

    slug: str
    title: str
    html: str
    date: str = "2026-01-01"
    has_link: bool = True
    has_id: bool = True
    has_date: bool = True
    relative_link: bool = False
    charset: str = "utf-8"
    declares_charset: bool = True

    @property
    def path(self) -> str:
        """Return the percent-encoded path."""
        return f"/{quote(self.slug)}/"

    @property
    def published(self) -> datetime:
        moment = datetime.fromisoformat(self.date)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    @property
    def summary(self) -> str:
        return " ".join(re.sub(r"<[^>]+>", " ", self.html).split())[:300]


@dataclass(frozen=True)
class Page:
    """A response before revalidation by ETag or date."""

    body: bytes
    content_type: str
    published: datetime | None = None


class Site(Protocol):
    """What pages need from the blog: its URLs, and how much of a post its feeds contain."""

    @property
    def text(self) -> str: ...

    def url(self, path: str) -> str: ...


@dataclass(frozen=True)
class FeedFormat:
    """Templates of a feed format. An entry contains only the parts that its post has."""

    content_type: str
    feed: str
    entry: str
    link: str
    identity: str
    date: str
    summary: str
    full: str


RSS = FeedFormat(
    content_type="application/rss+xml; charset=utf-8",
    feed='<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>A blog</title>'
    "<link>{home}</link><description>Posts</description>{entries}</channel></rss>",
    entry="<item>{parts}</item>",
    link="<link>{link}</link>",
    identity='<guid isPermaLink="false">{identity}</guid>',
    date="<pubDate>{mail_date}</pubDate>",
    summary="<description>{summary}</description>",
    full="<content:encoded><![CDATA[{cdata}]]></content:encoded>",
)
ATOM = FeedFormat(
    content_type="application/atom+xml; charset=utf-8",
    feed='<feed xmlns="http://www.w3.org/2005/Atom"><title>A blog</title><id>{home}</id>{entries}</feed>',
    entry="<entry>{parts}</entry>",
    link='<link rel="alternate" href="{link}"/>',
    identity="<id>{identity}</id>",
    date="<published>{iso_date}</published><updated>{iso_date}</updated>",
    summary="<summary>{summary}</summary>",
    full='<content type="html">{html}</content>',
)


def rss_feed(site: Site, posts: Iterable[Post]) -> str:
    return feed(RSS, site, posts)


def feed(form: FeedFormat, site: Site, posts: Iterable[Post]) -> str:
    entries = "".join(feed_entry(form, site, post) for post in posts)
    return XML + form.feed.format(home=site.url("/"), entries=entries)


def feed_entry(form: FeedFormat, site: Site, post: Post) -> str:
    parts = ["<title>{title}</title>"]
    parts += [form.link] if post.has_link else []
    parts += [form.identity] if post.has_id else []
    parts += [form.date] if post.has_date else []
    parts += [form.summary] if site.text != "title" else []
    parts += [form.full] if site.text == "full" else []
    filled = "".join(parts).format(
        title=escape(post.title), link=post.path if post.relative_link else site.url(post.path),
        identity=site.url("/?p=" + quote(post.slug)), mail_date=format_datetime(post.published),
        iso_date=post.published.isoformat(), summary=escape(post.summary), html=escape(post.html),
        cdata=post.html.replace("]]>", "]]&gt;"))  # fmt: skip
    return form.entry.format(parts=filled)


def article(template: str, post: Post, newest: Sequence[Post]) -> Page:
    charset = f"; charset={post.charset}" if post.declares_charset else ""
    recent = "".join(f'<li><a href="{other.path}">{escape(other.title)}</a></li>' for other in newest[:5])
    html = template.format(
        meta=f'<meta charset="{post.charset}">' if charset else "", title=escape(post.title), date=post.date,
        html=post.html, recent=recent)  # fmt: skip
    return Page(html.encode(post.charset, "xmlcharrefreplace"), f"text/html{charset}", post.published)


def sitemap(site: Site, posts: Iterable[Post]) -> bytes:
    places = "".join(
        f"<url><loc>{site.url(post.path)}</loc>{f'<lastmod>{post.date}</lastmod>' if post.has_date else ''}</url>"
        for post in posts
    )
    return f"{XML}<urlset {SITEMAPS}>{places}</urlset>".encode()


def sitemap_index(site: Site, paths: Iterable[str]) -> bytes:
    parts = "".join(f"<sitemap><loc>{site.url(path)}</loc></sitemap>" for path in paths)
    return f"{XML}<sitemapindex {SITEMAPS}>{parts}</sitemapindex>".encode()
