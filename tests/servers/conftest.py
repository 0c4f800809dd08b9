"""What the tests of both servers need: an HTTP client, and posts in a folder."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest


@pytest.fixture
async def web() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    line = {"slug": "a/b", "title": "A", "html": "<p>One\u2028two</p>", "date": "2026-01-01", "url": "x"}
    (tmp_path / "posts.jsonl").write_text(json.dumps(line, ensure_ascii=False) + "\n", encoding="utf-8")
    return tmp_path
