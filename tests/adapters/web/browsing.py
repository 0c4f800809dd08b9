"""A background event loop that serves a site, and a real browser to open it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM = Path("/usr/bin/chromium")
CHROMEDRIVER = Path("/usr/bin/chromedriver")
needs_browser = pytest.mark.skipif(
    not (CHROMIUM.exists() and CHROMEDRIVER.exists()),
    reason=f"a real browser is needed: {CHROMIUM} and {CHROMEDRIVER} (Debian: apt-get install chromium-driver)",
)
WITHIN = 10.0
"""Timeout in seconds for anything on the page."""

T = TypeVar("T")


class Background:
    """An event loop in a thread; contexts opened there are closed there in reverse order."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._stack = AsyncExitStack()

    def run(self, what: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await what

        future: Future[T] = asyncio.run_coroutine_threadsafe(awaited(), self._loop)
        return future.result(30)

    def open(self, context: AbstractAsyncContextManager[T]) -> T:
        return self.run(self._stack.enter_async_context(context))

    @contextmanager
    def running(self) -> Iterator["Background"]:
        self._thread.start()
        try:
            yield self
        finally:
            self.run(self._stack.aclose())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


class Browser:
    """Headless Chromium with helpers for this page."""

    def __init__(self, profile: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(CHROMEDRIVER)))

    def open(self, address: str, width: int = 1100) -> None:
        """Open a page as a first visit: clear its storage and the log."""
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        # Clear the storage on another page, because this page saves its conversation when it is left.
        self.driver.get(f"{address}healthz")
        self.js("sessionStorage.clear(); localStorage.clear()")
        self.driver.execute("getLog", {"type": "browser"})
        self.driver.get(address)

    def js(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def wait(self, until: Callable[[], T]) -> T:
        waiting = WebDriverWait(self.driver, WITHIN, poll_frequency=0.05)
        return waiting.until(lambda _: until())

    def press(self, *keys: str) -> None:
        self.one("#question").send_keys(*keys)

    def click(self, element: WebElement) -> None:
        """Click an element, scrolled clear of floating ones."""
        self.js("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
        element.click()

    def ask(self, question: str, state: str = "answered") -> WebElement:
        """Ask a question and wait until its answer has a state."""
        self.press(question, Keys.ENTER)
        return self.last_answer(state)

    def last_answer(self, state: str = "answered") -> WebElement:
        self.wait(lambda: self.js(LAST_STATE) == state)
        return self.all("article.answer")[-1]

    def text_of(self, selector: str) -> str:
        """Return the text of an element in one call, because a busy page replaces its nodes."""
        return str(self.js("return document.querySelector(arguments[0])?.innerText ?? ''", selector))

    @property
    def complaints(self) -> list[str]:
        """Return new errors and policy violations in the browser's log."""
        entries = self.driver.execute("getLog", {"type": "browser"})["value"]
        return [str(entry["message"]) for entry in entries]


LAST_STATE = "return [...document.querySelectorAll('article.answer')].at(-1)?.dataset.state"
