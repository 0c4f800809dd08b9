"""The REST endpoint: records, authorizes, rate-limits and answers requests, and injects faults."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from typing import Any

from aiohttp import web

from tests.servers.changes import Changes
from tests.servers.discord.errors import ApiError, not_an_object, not_found, snowflake, unauthorized
from tests.servers.discord.faults import Dropped, Late, RateLimited, Script
from tests.servers.discord.objects import Json
from tests.servers.discord.rate_limits import RateLimitError, RateLimits
from tests.servers.loopback import Loopback, Slow, Status, hang_up

API = "/api/v10"
VIA = {"Via": "1.1 google"}


@dataclass(eq=False)
class Call:
    """A request. `path` is relative to the API's root, `at` a Unix time; `status` is 0 until it is answered.

    `code` is Discord's error code and `answer` the response JSON. `files` are names and contents.
    """

    method: str
    path: str
    params: dict[str, str]
    query: dict[str, str]
    body: Any
    files: list[tuple[str, bytes]]
    token: str
    at: float = field(default_factory=time.time)
    status: int = 0
    code: int | None = None
    answer: Any = None

    def id(self, name: str) -> int:
        """Return a snowflake of the path; raise ApiError for anything else."""
        return snowflake(self.params[name], f"{name}_id")

    @property
    def form(self) -> Json:
        """Return the body; raise ApiError unless it is an object."""
        if not isinstance(self.body, dict):
            raise not_an_object("")
        return self.body

    def part(self, name: str) -> Json:
        """Return an object within the body, or {}."""
        part = self.form.get(name) or {}
        if not isinstance(part, dict):
            raise not_an_object(name)
        return part


Answer = tuple[int, Any]
Endpoint = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """`open` routes need no bot token (interactions have their own) and are exempt from the global limit."""

    method: str
    template: str
    endpoint: Endpoint
    open: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"


class Api:
    """Serves all routes."""

    def __init__(self, server: Loopback, watch: Changes, limits: RateLimits, token: str) -> None:
        self._server, self._watch, self._limits, self._token = server, watch, limits, token
        self.script = Script()
        self.calls: list[Call] = []

    def routes(self, routes: Iterable[Route]) -> Iterable[web.RouteDef]:
        for route in routes:
            yield web.route(route.method, API + route.template, partial(self._serve, route))
        yield web.route("*", API + "/{rest:.*}", partial(self._serve, Route("*", "/{rest}", _raise_not_found, True)))

    async def _serve(self, route: Route, request: web.Request) -> web.StreamResponse:
        call = await _call_of(request)
        self.calls.append(call)
        self._watch.changed()
        fault = self.script.next(call.method, call.path)
        try:
            if isinstance(fault, Slow):
                await self._server.pause(fault.seconds)
            if isinstance(fault, Status | RateLimited | ApiError) or fault == Dropped():
                response = self._inject(call, fault)
            else:
                response = self._response(route, call)
        finally:
            self._watch.changed()
        if isinstance(fault, Late):
            await self._server.pause(fault.seconds)
        return hang_up(request) if isinstance(fault, Dropped) else response

    def _inject(self, call: Call, fault: Status | RateLimited | ApiError | Dropped) -> web.Response:
        if isinstance(fault, RateLimited):
            code = {} if fault.code is None else {"code": fault.code}
            headers = {"X-RateLimit-Scope": fault.scope}
            headers |= {"X-RateLimit-Global": "true"} if fault.everywhere else {}
            exhausted = RateLimitError(fault.retry_after, headers, everywhere=fault.everywhere)
            return _limited(call, exhausted, fault.via, code)
        if isinstance(fault, ApiError):
            call.code = fault.code
            return _answered(call, fault.status, fault.body, {})
        if isinstance(fault, Status):
            return _failed(call, fault)
        return web.Response()

    def _response(self, route: Route, call: Call) -> web.Response:
        """Run the route, or return its error."""
        headers: dict[str, str] = {}
        try:
            if not route.open and call.token != self._token:
                raise unauthorized()
            headers = self._limits.take(route.name, call.params, exempt=route.open)
            if call.body is BROKEN:
                raise ApiError(50109)
            status, answer = route.endpoint(call)
        except RateLimitError as exhausted:
            return _limited(call, exhausted)
        except ApiError as refused:
            call.code = refused.code
            status, answer = refused.status, refused.body
        return _answered(call, status, answer, headers)


BROKEN = object()


async def _call_of(request: web.Request) -> Call:
    body: Any = None
    files: list[tuple[str, bytes]] = []
    if request.content_type == "multipart/form-data":
        for name, part in (await request.post()).items():
            if isinstance(part, web.FileField):
                files.append((part.filename, part.file.read()))
            elif name == "payload_json":
                body = _decoded(part.encode() if isinstance(part, str) else bytes(part))
    elif request.can_read_body:
        body = _decoded(await request.read())
    token = request.headers.get("Authorization", "").removeprefix("Bot ")
    path = request.path.removeprefix(API)
    return Call(request.method, path, dict(request.match_info), dict(request.query), body, files, token)


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return BROKEN


def _answered(call: Call, status: int, answer: Any, headers: dict[str, str]) -> web.Response:
    call.status, call.answer = status, answer
    if answer is None:
        return web.Response(status=status, headers=VIA | headers)
    # discord.py parses JSON only with exactly this content type.
    headers = VIA | headers | {"Content-Type": "application/json"}
    return web.Response(status=status, headers=headers, body=json.dumps(answer).encode())


def _failed(call: Call, status: Status) -> web.Response:
    """Answer as Discord (JSON) for 500, or as Cloudflare (an HTML page) above."""
    message = status.message or f"{status.status}: Internal Server Error"
    if status.status <= 500:
        return _answered(call, status.status, {"message": message, "code": 0}, status.headers)
    call.status = status.status
    return web.Response(status=status.status, headers=VIA | status.headers, text=message, content_type="text/html")


def _limited(call: Call, exhausted: RateLimitError, via: bool = True, code: Json | None = None) -> web.Response:
    after = ceil(exhausted.retry_after * 1000) / 1000
    body = {
        "message": "You are being rate limited.",
        "retry_after": after,
        "global": exhausted.everywhere,
        **(code or {}),
    }
    response = _answered(call, 429, body, exhausted.headers | {"Retry-After": str(ceil(after))})
    if not via:
        del response.headers["Via"]
    return response


def _raise_not_found(call: Call) -> Answer:
    raise not_found()
