"""Access to the page: the token and the rate limit per visitor."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from selenium.webdriver.common.keys import Keys
from structlog.testing import capture_logs

from adapters.web.app import About, web_app
from bot.app import Bot, create_bot
from bot.config.loader import load_settings
from bot.embedded_redis import embedded_redis
from core.answering.admission import RateLimits, VisitorLimiter
from core.storage.rate_limiter import RateLimiter
from tests.adapters.garden import ASKED
from tests.adapters.scripted import ScriptedAsker
from tests.adapters.web.browsing import Background, Browser, needs_browser
from tests.adapters.web.serving import STREAM, Client, listening, raw_status, streamed

TOKEN = "correct-horse-battery-staple"
KNOWN = {"Authorization": f"Bearer {TOKEN}"}
ASK = {"question": ASKED}
HOOK = "/hook"


async def hooked(request: web.Request) -> web.Response:
    return web.Response(text="a platform's own route")


@asynccontextmanager
async def page_of(bot: Bot, limit: int = 30) -> AsyncIterator[Client]:
    about = About(offline=True, model=None, sources="none")
    visitors = VisitorLimiter(RateLimiter(bot.redis), RateLimits(visitor=limit))
    app = await asyncio.to_thread(
        web_app,
        replace(bot, answerer=ScriptedAsker()).chat_services("web"),
        lambda: None,
        about,
        platform_routes=[web.post(HOOK, hooked)],
        token=TOKEN,
        admit=visitors.admit,
    )
    async with listening(app) as client:
        yield client


@pytest.fixture
async def locked(empty_bot: Bot) -> AsyncIterator[Client]:
    """Yield a client of a page with a token."""
    async with page_of(empty_bot) as client:
        yield client


WRONG = [
    None,
    "",
    TOKEN,
    "Bearer",
    "Bearer ",
    f"Basic {TOKEN}",
    f"Bearer {TOKEN[:-1]}",
    f"Bearer {TOKEN}x",
    f"Bearer {TOKEN.upper()}",
    "Bearer ünïcode-that-is-long",
]


async def test_requests_without_the_right_token_are_rejected(locked: Client) -> None:
    for given in WRONG:
        await rejected(locked, {} if given is None else {"Authorization": given})


async def rejected(locked: Client, headers: dict[str, str]) -> None:
    """Send each kind of request; fail if one is not rejected."""
    for response in (
        await locked.post("/api/ask", json=ASK, headers=headers),
        await locked.post("/api/ask", json=ASK, headers=headers | STREAM),
        await locked.post("/api/forget", json={"conversation": "one"}, headers=headers),
        await locked.get("/api/status", headers=headers),
        await locked.get("/api/post?url=garden/bees.md", headers=headers),
        await locked.get("/metrics", headers=headers),
        await locked.get("/nothing", headers=headers),
    ):
        assert response.status == 401, (headers, response.url)
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert await response.json() == {"error": "This bot requires a token."}


async def test_requests_with_the_token_are_answered(locked: Client) -> None:
    for scheme in ("Bearer", "bearer", "BEARER "):
        response = await locked.post("/api/ask", json=ASK, headers={"Authorization": f"{scheme} {TOKEN}"})
        assert response.status == 200, scheme
        assert (await response.json())["grounded"] is True
    assert (await locked.get("/api/status", headers=KNOWN)).status == 200


async def test_static_page_and_health_need_no_token(locked: Client) -> None:
    for path in ("/", "/page/app.js", "/page/style.css", "/healthz", "/readyz"):
        assert (await locked.get(path)).status == 200, path


async def test_path_tricks_do_not_bypass_the_token(locked: Client) -> None:
    for path in ("/page/../api/status", "/page/%2e%2e/api/status", "//api/status", "/page//api/status"):
        assert await raw_status(locked, path, "localhost") in {401, 403, 404}, path


async def test_platform_webhook_authenticates_requests_itself(locked: Client) -> None:
    assert (await locked.post(HOOK)).status == 200


async def test_cross_site_requests_are_rejected_even_with_the_token(locked: Client) -> None:
    response = await locked.post("/api/ask", json=ASK, headers=KNOWN | {"Origin": "https://evil.example"})
    assert response.status == 403


async def test_question_over_the_rate_limit_is_rejected(empty_bot: Bot) -> None:
    async with page_of(empty_bot, limit=2) as client:
        for _ in range(2):
            assert (await client.post("/api/ask", json=ASK, headers=KNOWN)).status == 200
        refused = await client.post("/api/ask", json=ASK, headers=KNOWN)
        events = await streamed(await client.post("/api/ask", json=ASK, headers=KNOWN | STREAM))
        assert refused.status == 429
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        assert set(await refused.json()) == {"error", "id"}
    assert [name for name, _ in events] == ["failed"]


async def test_visitors_behind_a_proxy_are_limited_separately(empty_bot: Bot) -> None:
    """Entries that the visitor adds to the header are ignored; addresses of one network count as one visitor."""
    asked = [
        ("198.51.100.1", 200),
        ("198.51.100.1", 429),
        ("203.0.113.9, 198.51.100.1", 429),
        ("198.51.100.2", 200),
        ("2001:db8::1", 200),
        ("2001:db8::2", 429),
        ("2001:db8:0:1::1", 200),
    ]
    async with page_of(empty_bot, limit=1) as client:
        for forwarded, status in asked:
            headers = KNOWN | {"X-Forwarded-For": forwarded}
            assert (await client.post("/api/ask", json=ASK, headers=headers)).status == status, forwarded


@asynccontextmanager
async def locked_page(url: str) -> AsyncIterator[str]:
    settings = await asyncio.to_thread(load_settings, redis_url=url)
    async with create_bot(settings) as bot, page_of(bot) as client:
        yield str(client.make_url("/"))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("redis")
    with embedded_redis(folder) as url, capture_logs(), Background().running() as background:
        yield background.open(locked_page(url))


@needs_browser
def test_page_asks_for_the_token_and_keeps_it_for_the_tab(browser: Browser, address: str) -> None:
    browser.open(address)
    browser.wait(lambda: browser.one("#access").is_displayed())
    assert browser.js("return document.activeElement.id") == "token"
    browser.one("#token").send_keys("a-guess-that-is-wrong", Keys.ENTER)
    browser.wait(lambda: "This token is not correct." in browser.text_of("#access"))
    assert browser.js("return sessionStorage.getItem('footnoted.token')") is None
    browser.one("#token").send_keys(TOKEN, Keys.ENTER)
    browser.wait(lambda: "Offline mode" in browser.text_of("#status"))
    assert not browser.one("#access").is_displayed()
    browser.ask(ASKED)
    browser.driver.refresh()
    browser.wait(lambda: "Offline mode" in browser.text_of("#status"))
    assert not browser.one("#access").is_displayed()
    assert browser.js("return Object.values(localStorage).join()").find(TOKEN) == -1


@needs_browser
def test_rejected_question_is_repeated_with_the_token(browser: Browser, address: str) -> None:
    browser.open(address)
    browser.wait(lambda: browser.one("#access").is_displayed())
    browser.one("#token").send_keys(Keys.ESCAPE)
    browser.wait(lambda: not browser.one("#access").is_displayed())
    answer = browser.ask(ASKED, "failed")
    assert "This bot requires a token." in answer.text
    browser.one("#token").send_keys(TOKEN, Keys.ENTER)
    browser.wait(lambda: not browser.one("#access").is_displayed())
    browser.click(browser.one(".try-again"))
    browser.last_answer()
