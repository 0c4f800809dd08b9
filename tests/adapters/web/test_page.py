"""The page in a real browser: streaming, keyboard use, errors and hostile content."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from structlog.testing import capture_logs

from bot.app import create_bot
from bot.config.loader import load_settings
from bot.config.settings import Settings
from bot.embedded_redis import embedded_redis
from core.indexing.progress import Progress
from tests.adapters.conftest import unseen
from tests.adapters.garden import ASKED, FOLLOW_UP, write_posts
from tests.adapters.web.browsing import Background, Browser, needs_browser
from tests.adapters.web.serving import opened
from tests.servers.loopback import Status
from tests.servers.openai import Broken, OpenAIServer, Stall, Text

pytestmark = needs_browser

SLUGS = "What keeps slugs away?"


@dataclass(slots=True)
class Site:
    """The page of one bot; `reading` is the progress in its status."""

    address: str
    reading: Progress | None = None


@dataclass(frozen=True, slots=True)
class Sites:
    offline: Site
    modelled: Site
    model: OpenAIServer


@asynccontextmanager
async def site_of(settings: Settings) -> AsyncIterator[Site]:
    async with create_bot(settings) as bot:
        await bot.reindex(unseen)
        site = Site("")
        async with opened(bot, lambda: site.reading) as client:
            site.address = str(client.make_url("/"))
            yield site


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """Serve an offline bot and one with a model, each with its own Redis."""
    room = tmp_path_factory.mktemp("page")
    sources = [{"name": "garden", "folder": write_posts(room / "posts")}]
    with (
        pytest.MonkeyPatch.context() as patch,
        embedded_redis(room / "one") as one,
        embedded_redis(room / "two") as two,
        capture_logs(),
        Background().running() as background,
    ):
        patch.chdir(room)
        for name in Settings.model_fields:
            patch.delenv(name.upper(), raising=False)
        model = background.open(OpenAIServer())
        offline = load_settings(redis_url=one, sources=sources)
        modelled = load_settings(redis_url=two, sources=sources, openai_base_url=model.base_url)
        yield Sites(background.open(site_of(offline)), background.open(site_of(modelled)), model)


def test_answer_streams_and_its_footnote_opens_the_post(browser: Browser, sites: Sites) -> None:
    sites.model.enqueue(
        Text("Water them **early** in the morning [1]. " + "And feed them. " * 30, tokens_per_second=30)
    )
    browser.open(sites.modelled.address)
    browser.press(ASKED, Keys.ENTER)
    browser.last_answer("writing")
    early = len(browser.wait(lambda: browser.text_of("article.answer .prose")))
    browser.wait(lambda: len(browser.text_of("article.answer .prose")) > early)
    browser.wait(lambda: browser.js("return document.querySelector('article.answer .mark a')?.title"))
    assert browser.js("return document.querySelector('article.answer').dataset.state") == "writing"
    answer = browser.last_answer()
    assert [mark.text for mark in browser.all("#log .mark")] == ["1"]
    assert browser.one("article.answer strong").text == "early"
    footnote = answer.find_element(By.CSS_SELECTOR, ".footnotes li a")
    assert footnote.text == "Growing tomatoes on a balcony"
    browser.click(footnote)
    browser.wait(lambda: "comfrey tea" in browser.text_of("#post-text"))
    assert browser.text_of("#post-title") == "Growing tomatoes on a balcony"
    browser.one("#post-close").click()
    assert not browser.one("#post").is_displayed()
    assert browser.complaints == []


def test_clicking_an_example_asks_it(browser: Browser, sites: Sites) -> None:
    browser.open(sites.offline.address)
    example = browser.wait(lambda: browser.all(".examples button"))[0]
    question = example.text
    example.click()
    browser.last_answer()
    assert browser.text_of(".asked") == question
    assert not browser.one("#intro").is_displayed()
    assert browser.complaints == []


def test_offline_answers_are_marked_as_quotations(browser: Browser, sites: Sites) -> None:
    browser.open(sites.offline.address)
    browser.wait(lambda: "Offline mode" in browser.text_of("#status"))
    answer = browser.ask(ASKED)
    assert "early in the morning" in answer.find_element(By.CSS_SELECTOR, "blockquote").text
    assert browser.all(".footnotes li a")


def test_button_or_escape_stops_an_answer(browser: Browser, sites: Sites) -> None:
    """The text so far stays, and the model request is cancelled."""
    browser.open(sites.modelled.address)
    for by_button in (True, False):
        sites.model.chats.clear()
        sites.model.enqueue(Stall("Early in the morning"))
        browser.press(ASKED, Keys.ENTER)
        browser.wait(lambda: "Early in the morning" in browser.text_of(".exchange:last-child .prose"))
        browser.click(browser.one("#stop")) if by_button else browser.press(Keys.ESCAPE)
        answer = browser.last_answer("failed")
        assert "Early in the morning" in answer.text
        assert "You stopped this answer." in answer.text
        browser.wait(lambda: sites.model.chats[0].cancelled)


@pytest.mark.parametrize(
    "question", [SLUGS, "How do I keep snails away from lettuce?", "Do coffee grounds repel slugs?"]
)
def test_hostile_post_runs_no_script(browser: Browser, sites: Sites, question: str) -> None:
    """Neither quoted nor shown in full: its title is text, and its dangerous links are removed."""
    browser.open(sites.offline.address)
    browser.wait(lambda: browser.all(".examples button"))
    browser.ask(question)
    link = next(link for link in browser.all(".footnotes li a") if "Slugs" in link.text)
    assert "<script>" in link.text
    browser.click(link)
    browser.wait(lambda: "copper tape" in browser.text_of("#post-text"))
    assert browser.js("return window.pwned") is None
    assert browser.js(HOSTILE_NODES) == []
    assert browser.complaints == []


def test_hostile_model_output_runs_no_script(browser: Browser, sites: Sites) -> None:
    """Not even during streaming."""
    hostile = (
        "Use ash [1]. <script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'> <svg onload=pwned=3> "
        "[click](javascript:window.pwned=4) ![x](https://evil.example/x.png) <iframe src=//evil.example></iframe> end"
    )
    sites.model.enqueue(Text(hostile, tokens_per_second=300))
    browser.open(sites.modelled.address)
    answer = browser.ask(SLUGS)
    assert answer.find_element(By.CSS_SELECTOR, ".prose").text.endswith("end")
    assert browser.js("return window.pwned") is None
    assert browser.js(HOSTILE_NODES) == []
    assert browser.complaints == []


def test_conversation_survives_a_reload_and_a_new_one_starts_empty(browser: Browser, sites: Sites) -> None:
    browser.open(sites.modelled.address)
    browser.ask(ASKED)
    shown = browser.text_of("#log")
    browser.driver.refresh()
    browser.wait(lambda: browser.text_of("#log") == shown)
    browser.ask(FOLLOW_UP)
    assert ASKED in sites.model.chats[-1].prompt
    browser.one("#new-conversation").click()
    assert browser.text_of("#log") == ""
    browser.ask("What do bees eat in winter?")
    assert ASKED not in sites.model.chats[-1].prompt


def test_page_works_with_the_keyboard_alone(browser: Browser, sites: Sites) -> None:
    browser.open(sites.offline.address)
    active = "return document.activeElement.id"
    assert browser.js(active) == "question"
    browser.press("When should I", Keys.SHIFT + Keys.ENTER + Keys.NULL, "water tomatoes?")
    assert browser.all("article.answer") == []
    browser.press(Keys.ENTER)
    browser.last_answer()
    assert browser.text_of(".asked").split() == ASKED.split()
    assert browser.js("return document.querySelector('#question').value") == ""
    link = browser.one(".footnotes li a")
    link.send_keys(Keys.ENTER)
    browser.wait(lambda: browser.one("#post").is_displayed())
    browser.one("#post-text").send_keys(Keys.ESCAPE)
    browser.wait(lambda: not browser.one("#post").is_displayed())
    assert browser.driver.switch_to.active_element == link


def test_narrow_window_does_not_scroll_sideways(browser: Browser, sites: Sites) -> None:
    long = "w" * 200
    wide = f"A word: {long} and\n\n```\n{long}\n```\n\n| a | b |\n|---|---|\n|{long}| 1 |\n\nDone [1]."
    sites.model.enqueue(Text(wide))
    browser.open(sites.modelled.address, width=360)
    beyond = "scrollTo(500, scrollY); return scrollX"
    assert browser.js(beyond) == 0
    browser.ask(ASKED)
    assert browser.js(beyond) == 0
    browser.click(browser.one(".footnotes li a"))
    browser.wait(lambda: "comfrey tea" in browser.text_of("#post-text"))
    assert browser.js(beyond) == 0


def test_status_shows_indexing_progress(browser: Browser, sites: Sites) -> None:
    site = sites.modelled
    site.reading = Progress(listed=12, listing=False, new=6, failed=2)
    try:
        browser.open(site.address)
        sentence = "Reading garden: 6 of 12 posts, 2 could not be read. You can already ask questions."
        browser.wait(lambda: sentence in browser.text_of("#status"))
        assert browser.js("const bar = document.querySelector('#progress'); return [bar.value, bar.max]") == [8, 12]
    finally:
        site.reading = None
    ended = "Answers are based on 5 posts and written by gpt-5.4-mini."
    browser.wait(lambda: ended in browser.text_of("#status"))


def test_page_speaks_the_language_of_the_browser(browser: Browser, sites: Sites) -> None:
    browser.driver.execute_cdp_cmd("Network.enable", {})
    browser.driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {"Accept-Language": "ru,en;q=0.5"}})
    try:
        browser.open(sites.modelled.address)
        browser.wait(lambda: "Источник ответов — 5 статей; пишет их gpt-5.4-mini." in browser.text_of("#status"))
        assert browser.text_of("#ask") == "Спросить"
        browser.ask(ASKED)
        assert browser.text_of(".timing").endswith(" с")
        assert browser.complaints == []
    finally:
        browser.driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {}})


def test_error_is_one_sentence_with_a_retry_button(browser: Browser, sites: Sites) -> None:
    sites.model.enqueue(Broken("Early in the morning"), Text("At the root [1]."))
    browser.open(sites.modelled.address)
    answer = browser.ask(ASKED, "failed")
    assert "Early in the morning" in answer.text
    assert "The answer was cut off. Please try again." in answer.text
    assert len(browser.text_of(".failure .reference").removeprefix("Reference ")) == 8
    browser.one(".try-again").click()
    answer = browser.last_answer()
    assert answer.find_element(By.CSS_SELECTOR, ".prose").text.startswith("At the root")
    assert not browser.all(".failure")


def test_error_shows_no_internals(browser: Browser, sites: Sites) -> None:
    sites.model.enqueue(Status(401, message="Incorrect API key provided: sk-secret"))
    browser.open(sites.modelled.address)
    answer = browser.ask(ASKED, "failed")
    assert "The language model denied this bot access. Please tell the person who runs it." in answer.text
    assert "sk-" not in browser.driver.page_source


def test_thoughts_that_were_shown_as_text_disappear(browser: Browser, sites: Sites) -> None:
    thoughts = Text("They ask about water. " * 15 + "\n</think>\n\nEarly in the morning [1].", tokens_per_second=40)
    sites.model.enqueue(thoughts, Text("At the root [1]."))
    browser.open(sites.modelled.address)
    browser.press(ASKED, Keys.ENTER)
    browser.wait(lambda: "They ask" in browser.text_of("article.answer .prose"))
    assert browser.last_answer().find_element(By.CSS_SELECTOR, ".prose").text == "Early in the morning1."
    # A model that answers without thoughts is no longer expected to think.
    browser.ask(ASKED)
    assert browser.complaints == []


HOSTILE_NODES = """
const inside = [...document.querySelectorAll('#log *, #post *')];
const bad = inside.filter((node) => /^(script|img|svg|iframe|form|input|style|details|object)$/i.test(node.tagName));
const attributes = inside.flatMap((node) => [...node.attributes]).filter(({ name, value }) =>
  /^(on|src$|srcset$|style$)/.test(name) || /^(javascript|data):/i.test(value));
return [...bad.map((node) => node.tagName), ...attributes.map(({ name, value }) => `${name}=${value}`)];
"""
