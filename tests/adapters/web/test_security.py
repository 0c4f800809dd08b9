"""Rejected web requests and security headers."""

import json
from itertools import product

import pytest
from aiohttp import ClientResponse

from adapters.web.page_texts import PAGE
from adapters.web.security import HEADERS
from tests.adapters.garden import ASKED
from tests.adapters.web.serving import STREAM, Client, raw_status, streamed

JSON = {"Content-Type": "application/json"}
GOOD = json.dumps({"question": ASKED}).encode()


CROSS_SITE = [
    (403, {"Origin": "https://evil.example"}),
    (403, {"Origin": "null"}),
    (403, {"Origin": "http://127.0.0.1:1"}),
    (403, {"Origin": "http://["}),
    (403, {"Sec-Fetch-Site": "cross-site"}),
    (403, {"Sec-Fetch-Site": "same-site"}),
    (415, {"Content-Type": "text/plain"}),
    (415, {"Content-Type": "application/x-www-form-urlencoded"}),
    (415, {"Content-Type": ""}),
]


@pytest.mark.parametrize("path", ["/api/ask", "/api/forget"])
async def test_cross_site_requests_are_rejected(guarded: Client, path: str) -> None:
    for status, headers in CROSS_SITE:
        response = await guarded.post(path, data=GOOD, headers=JSON | headers)
        assert response.status == status, headers
        assert set(await response.json()) == {"error"}


async def test_same_origin_requests_are_accepted(guarded: Client) -> None:
    own = {"Origin": str(guarded.make_url("")).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    response = await guarded.post("/api/ask", data=GOOD, headers=JSON | own)
    assert response.status == 200


async def test_foreign_host_names_are_rejected(guarded: Client) -> None:
    """DNS rebinding: another site can point its own name at this machine, and must not even read."""
    foreign = ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "192.168.0.1", "", "[", "a:b:c")
    for host, path in product(foreign, ("/", "/api/status")):
        assert await raw_status(guarded, path, host) in {400, 403}, host


async def test_loopback_host_names_are_accepted(guarded: Client) -> None:
    for host in ("localhost", "localhost:8080", "bot.localhost", "127.0.0.1:9", "[::1]:8080"):
        assert await raw_status(guarded, "/healthz", host) == 200, host


INVALID = [
    b"",
    b"{",
    b"[]",
    b'"text"',
    b"\xff\xfe",
    b"[" * 30_000,
    b"{}",
    b'{"question": ""}',
    b'{"question": " \\n "}',
    b'{"question": 7}',
    b'{"question": "a", "conversation": 7}',
    b'{"question": "a", "conversation": "two words"}',
    b'{"question": "a", "conversation": "%s"}' % (b"x" * 129),
]


async def test_invalid_body_is_rejected_with_a_reason(guarded: Client) -> None:
    for body in INVALID:
        response = await guarded.post("/api/ask", data=body, headers=JSON)
        assert response.status == 400, body
        assert (await response.json())["error"].endswith((".", "}", "-"))


async def test_unknown_charset_is_rejected(guarded: Client) -> None:
    response = await guarded.post("/api/ask", data=GOOD, headers={"Content-Type": "application/json; charset=klingon"})
    assert response.status == 400


async def test_forget_requires_a_conversation(guarded: Client) -> None:
    for body in ({}, {"conversation": ""}, {"conversation": None}, {"conversation": ["a"]}):
        assert (await guarded.post("/api/forget", json=body)).status == 400, body


async def test_body_over_64_kilobytes_is_rejected(guarded: Client) -> None:
    body = {"question": "a", "padding": "x" * 64 * 1024}
    response = await guarded.post("/api/ask", json=body)
    assert (response.status, await response.json()) == (413, {"error": "The body is larger than 64 KB."})


async def test_question_over_4000_characters_is_rejected(guarded: Client) -> None:
    response = await guarded.post("/api/ask", json={"question": "x" * 4_001})
    failure = await response.json()
    assert response.status == 413
    assert failure["error"] == "That question is too long for me. Please keep it under 4,000 characters."
    events = await streamed(await guarded.post("/api/ask", json={"question": "x" * 4_001}, headers=STREAM))
    assert [name for name, _ in events] == ["failed"]
    assert (await guarded.post("/api/ask", json={"question": "x" * 4_000})).status == 200


async def test_every_response_has_the_security_headers(guarded: Client) -> None:
    responses = [
        await guarded.get("/"),
        await guarded.get("/page/app.js"),
        await guarded.get("/page/nothing.js"),
        await guarded.get("/nothing"),
        await guarded.delete("/api/ask", headers=JSON),
        await guarded.get("/api/post"),
        await guarded.get("/api/status", headers={"Host": "evil.example"}),
        await guarded.post("/api/ask", data=b"{", headers=JSON),
        await guarded.post("/api/ask", data=GOOD),
        await guarded.post("/api/ask", data=b"x" * 70_000, headers=JSON),
        await guarded.post("/api/ask", data=GOOD, headers=JSON),
        await guarded.post("/api/ask", data=GOOD, headers=JSON | STREAM),
    ]
    statuses = [response.status for response in responses]
    assert statuses == [200, 200, 404, 404, 405, 404, 403, 400, 415, 413, 200, 200]
    for response in responses:
        assert {name: response.headers.get(name) for name in HEADERS} == HEADERS
        assert cache_is_asked_first(response)


async def test_content_security_policy_allows_only_own_files(guarded: Client) -> None:
    policy = (await guarded.get("/")).headers["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == directives["frame-ancestors"] == directives["base-uri"] == "'none'"
    assert directives["script-src"] == directives["connect-src"] == "'self'"
    assert "unsafe" not in policy


OUTSIDE = [
    "/page/../app.py",
    "/page/%2e%2e/app.py",
    "/page/..%2fapp.py",
    "/page/..%5capp.py",
    "/page/vendor/../../app.py",
    "/page//etc/passwd",
    "/page/%2fetc%2fpasswd",
    "/page/.%00./app.py",
    "/page/",
    "/page/vendor",
]


async def test_only_page_files_are_served(guarded: Client) -> None:
    assert (PAGE / ".." / "app.py").exists()
    for path in OUTSIDE:
        assert await raw_status(guarded, path, "localhost") in {400, 403, 404}, path


def cache_is_asked_first(response: ClientResponse) -> bool:
    return response.headers.get("Cache-Control") in {"no-store", "no-cache"}
