"""A loopback blog with the feeds, sitemaps, pages and faults of real ones."""

from tests.servers.blog.pages import PLAIN, SITEMAPS, WORDPRESS, Page, Post, rss_feed
from tests.servers.blog.server import Blog, Drip, Huge, Redirect, RedirectLoop, load

__all__ = [
    "PLAIN",
    "SITEMAPS",
    "WORDPRESS",
    "Blog",
    "Drip",
    "Huge",
    "Page",
    "Post",
    "Redirect",
    "RedirectLoop",
    "load",
    "rss_feed",
]
