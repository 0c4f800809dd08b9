"""A hostile site: raw responses, a stub resolver, decompression bombs and XML bombs."""

import asyncio
import gzip
import socket
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain, repeat

from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDictProxy

from tests.servers.loopback import Loopback

XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True)
class RawResponse:
    """A response, sent unchanged."""

    body: bytes = b""
    media_type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class HostileSite(Loopback):
    """Serves `answers` by path, else 404. `requests` counts paths; `headers` are those of a path's last request."""

    def __init__(
        self, answers: Mapping[str, RawResponse] | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        super().__init__(port, host)
        self.answers = dict(answers or {})
        self.requests: Counter[str] = Counter()
        self.headers: dict[str, CIMultiDictProxy[str]] = {}

    def url(self, path: str = "/", name: str = "") -> str:
        """Return the URL of a path, under the given host name or the site's own."""
        return f"http://{name or self.host}:{self.port}{path}"

    def routes(self) -> Iterable[web.RouteDef]:
        yield web.get("/{path:.*}", self._serve)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.requests[request.path] += 1
        self.headers[request.path] = request.headers
        answer = self.answers.get(request.path)
        if answer is None:
            return web.Response(status=404)
        return web.Response(
            body=answer.body, status=answer.status, headers={"Content-Type": answer.media_type, **answer.headers}
        )


class StubResolver(AbstractResolver):
    """Resolves names to scripted addresses: one list per request, the last one forever.

    Any other host must be an IP address, in whatever spelling the system accepts.
    """

    def __init__(self, **names: Sequence[Sequence[str]]) -> None:
        self._answers = {name.replace("_", "."): chain(answers, repeat(answers[-1])) for name, answers in names.items()}
        self.lookups: Counter[str] = Counter()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.lookups[host] += 1
        if host in self._answers:
            return [_result(host, address, port) for address in next(self._answers[host])]
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        return [_result(host, str(place[4][0]), port) for place in places]

    async def close(self) -> None:
        pass


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)


@asynccontextmanager
async def raw_tcp_server(said: bytes, keep_open: bool = False) -> AsyncIterator[str]:
    """Yield the address of a server that sends these bytes to every client; they need not be HTTP."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()
        if keep_open:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(say, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


def gzip_bomb(megabytes: int) -> bytes:
    """Return a thousandth of the decompressed size."""
    return gzip.compress(bytes(megabytes * 1024 * 1024), mtime=0)


def deflate_bomb(megabytes: int) -> bytes:
    return zlib.compress(bytes(megabytes * 1024 * 1024))


def billion_laughs(root: str, inside: str) -> bytes:
    """Return nested entities of ten each, a billion in total. `inside` marks their place with `{bomb}`."""
    rows = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'{XML}<!DOCTYPE {root} [<!ENTITY l0 "ha">{rows}]>{inside.format(bomb="&l9;")}'.encode()


def quadratic_blowup(root: str, inside: str, length: int = 100_000, times: int = 10_000) -> bytes:
    """Return one long entity, repeated without nesting."""
    return f'{XML}<!DOCTYPE {root} [<!ENTITY a "{"a" * length}">]>{inside.format(bomb="&a;" * times)}'.encode()


def external_entity(root: str, inside: str, address: str) -> bytes:
    """Return a document with an external entity at this address."""
    return f'{XML}<!DOCTYPE {root} [<!ENTITY x SYSTEM "{address}">]>{inside.format(bomb="&x;")}'.encode()
