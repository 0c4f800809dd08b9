"""A loopback blog server and its faults."""

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from aiohttp import web

from tests.servers.blog.pages import (
    ATOM,
    PLAIN,
    RSS,
    WORDPRESS,
    FeedFormat,
    Page,
    Post,
    article,
    feed,
    sitemap,
    sitemap_index,
)
from tests.servers.loopback import Loopback, Slow, Status


@dataclass(frozen=True)
class Redirect:
    """Redirect to a path or URL."""

    to: str
    status: int = 301


class RedirectLoop:
    """Redirect to itself and a query of itself, forever."""


@dataclass(frozen=True)
class Huge:
    """Send a page of so many megabytes, with Content-Length if `declared`."""

    megabytes: float
    declared: bool = False


@dataclass(frozen=True)
class Drip:
    """Send a byte now and then, forever, so that no single read times out."""

    seconds_between: float = 0.05


Fault = Status | Slow | Redirect | RedirectLoop | Huge | Drip


class Blog(Loopback):
    """Serves `posts`, newest first. Every argument is also an attribute that may change between requests.

    `text` is the content of the feeds. `paged=False` ignores `?paged=`, as Ghost and Jekyll do; else `past_end` is the
    response after the last page. `malformed` breaks the RSS feed's XML. `content_types` overrides the type of a path,
    `links` sets its Link header. `etags` and `dates` enable the validators. `delay` is in seconds, before every
    response. `requests` counts decoded paths with their query ("/feed/?paged=2"); `unchanged` counts the 304s.
    """

    def __init__(self, posts: Iterable[Post] = (), *, per_page: int = 10, paged: bool = True,
                 past_end: Literal["404", "repeat", "empty"] = "404",
                 text: Literal["full", "summary", "title"] = "full", theme: Literal["wordpress", "plain"] = "wordpress",
                 malformed: Literal["", "ampersand", "truncated"] = "", disallow: Sequence[str] = ("/private/",),
                 crawl_delay: float | None = None, etags: bool = True, dates: bool = True, delay: float = 0,
                 port: int = 0) -> None:  # fmt: skip
        super().__init__(port)
        self.posts = list(posts)
        self.per_page, self.paged, self.past_end = per_page, paged, past_end
        self.text, self.theme, self.malformed = text, theme, malformed
        self.disallow, self.crawl_delay = disallow, crawl_delay
        self.etags, self.dates, self.delay = etags, dates, delay
        self.content_types: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.requests: Counter[str] = Counter()
        self.unchanged: Counter[str] = Counter()
        self.user_agents: Counter[str] = Counter()
        self.in_flight = self.in_flight_peak = 0
        self._faults: dict[str, tuple[Fault, int | None]] = {}
        self._versions: dict[str, tuple[str, datetime]] = {}

    def url(self, path: str = "/feed/") -> str:
        return self.origin + path

    def inject_fault(self, path: str, fault: Fault, times: int | None = None) -> None:
        """Inject a fault for the decoded path, whatever its query: for the next so many requests, or for all."""
        self._faults[path] = fault, times

    def clear_faults(self, path: str) -> None:
        self._faults.pop(path, None)

    def routes(self) -> Iterable[web.RouteDef]:
        yield web.get("/{path:.*}", self.serve)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.requests[request.path + (f"?{request.query_string}" if request.query_string else "")] += 1
        self.user_agents[request.headers.get("User-Agent", "")] += 1
        self.in_flight += 1
        self.in_flight_peak = max(self.in_flight_peak, self.in_flight)
        try:
            await self.pause(self.delay)
            return await self._inject(request) or self._answer(request)
        finally:
            self.in_flight -= 1

    async def _inject(self, request: web.Request) -> web.StreamResponse | None:
        match self._next_fault(request.path):
            case Status() as fault:
                return web.Response(status=fault.status, headers=fault.headers, text=fault.message)
            case Redirect(to, status):
                return web.Response(status=status, headers={"Location": to})
            case RedirectLoop():
                there = "" if request.query_string else "?again"
                return web.Response(status=302, headers={"Location": quote(request.path) + there})
            case Slow(seconds):
                await self.pause(seconds)
            case Huge() | Drip() as fault:
                return await self._stream_fault(request, fault)
        return None

    def _next_fault(self, path: str) -> Fault | None:
        fault, times = self._faults.get(path, (None, None))
        if fault and times is not None:
            self._faults[path] = fault, times - 1
            return fault if times > 0 else None
        return fault

    async def _stream_fault(self, request: web.Request, fault: Huge | Drip) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html; charset=utf-8"})
        kilobytes = int(fault.megabytes * 1024) if isinstance(fault, Huge) else None
        if isinstance(fault, Huge) and fault.declared:
            response.content_length = int(fault.megabytes * 1024) * 1024
        try:
            await response.prepare(request)
            while not self.closing and kilobytes != 0:
                await response.write(b"<p>12345" * 128 if isinstance(fault, Huge) else b" ")
                await self.pause(fault.seconds_between if isinstance(fault, Drip) else 0)
                kilobytes = kilobytes and kilobytes - 1
        except ConnectionResetError:
            return web.Response()  # the client disconnected
        return response

    def _answer(self, request: web.Request) -> web.Response:
        page = self.page_for(request)
        if page is None:
            return web.Response(status=404, text="<h1>Not found</h1>", content_type="text/html")
        tag, changed = self._version(request.path_qs, page)
        headers = {"Content-Type": self.content_types.get(request.path, page.content_type)}
        headers |= {"Link": self.links[request.path]} if request.path in self.links else {}
        headers |= {"ETag": f'"{tag}"'} if self.etags else {}
        headers |= {"Last-Modified": format_datetime(changed, usegmt=True)} if self.dates else {}
        if self._is_unchanged(request, tag, changed):
            self.unchanged[request.path] += 1
            return web.Response(status=304, headers=headers)
        return web.Response(body=page.body, headers=headers)

    def _version(self, path: str, page: Page) -> tuple[str, datetime]:
        """Return the page's ETag and Last-Modified, which advances by a second on every change."""
        tag = hashlib.sha256(page.body).hexdigest()[:16]
        last = self._versions.get(path)
        if last is None or last[0] != tag:
            first = page.published or datetime(2026, 1, 1, tzinfo=UTC)
            self._versions[path] = tag, last[1] + timedelta(seconds=1) if last else first
        return self._versions[path]

    def _is_unchanged(self, request: web.Request, tag: str, changed: datetime) -> bool:
        known, since = request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")
        if known is not None and self.etags:
            return f'"{tag}"' in known or known == "*"
        return self.dates and since is not None and parsedate_to_datetime(since) >= changed

    def page_for(self, request: web.Request) -> Page | None:
        newest = sorted(self.posts, key=lambda post: post.published, reverse=True)
        template = WORDPRESS if self.theme == "wordpress" else PLAIN
        half = (len(newest) + 1) // 2
        match request.path:
            case "/feed/" | "/feed" | "/atom.xml" as path:
                return self._feed(newest, request.query.get("paged", "1"), ATOM if path == "/atom.xml" else RSS)
            case "/sitemap.xml":
                return Page(sitemap(self, newest), "application/xml")
            case "/sitemap-index.xml":
                return Page(sitemap_index(self, ("/sitemap-1.xml", "/sitemap-2.xml.gz")), "application/xml")
            case "/sitemap-1.xml":
                return Page(sitemap(self, newest[:half]), "application/xml")
            case "/sitemap-2.xml.gz":
                return Page(gzip.compress(sitemap(self, newest[half:]), mtime=0), "application/gzip")
            case "/robots.txt":
                return Page(self._robots(), "text/plain; charset=utf-8")
            case "/":
                return article(template, Post("", "A blog", "<p>Welcome.</p>"), newest)
        wanted = (post for post in newest if request.path.strip("/") == post.slug)
        return next((article(template, post, newest) for post in wanted), None)

    def _feed(self, newest: list[Post], paged: str, form: FeedFormat) -> Page | None:
        number = int(paged) if self.paged and paged.isdecimal() else 1
        last = max(1, -(-len(newest) // self.per_page))
        if number > last and self.past_end == "404":
            return None
        number = min(number, last) if self.past_end == "repeat" else number
        posts = newest[(number - 1) * self.per_page : number * self.per_page]
        body = feed(form, self, posts)
        if self.malformed == "ampersand":
            body = body.replace("<title>", "<title>Tea & ")
        if self.malformed == "truncated":
            body = body[: body.rfind("</item>")]
        return Page(body.encode(), form.content_type, newest[0].published if newest else None)

    def _robots(self) -> bytes:
        rules = [f"Disallow: {path}" for path in self.disallow]
        rules += [] if self.crawl_delay is None else [f"Crawl-delay: {self.crawl_delay:g}"]
        return "\n".join(["User-agent: *", *rules, f"Sitemap: {self.url('/sitemap.xml')}", ""]).encode()


def load(path: Path) -> list[Post]:
    """Load posts from a JSON-lines file or a folder with a posts.jsonl; ignore unknown fields."""
    known = {field.name for field in fields(Post)}
    lines = (path / "posts.jsonl" if path.is_dir() else path).read_text(encoding="utf-8").split("\n")
    posts = [json.loads(line) for line in lines if line.strip()]
    return [Post(**{name: value for name, value in post.items() if name in known}) for post in posts]
