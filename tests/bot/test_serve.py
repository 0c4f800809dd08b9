"""`footnoted serve`: startup, answers during indexing, and clean shutdown."""

import asyncio
import signal
import socket
import time
from pathlib import Path

import aiohttp

from tests.adapters.garden import ASKED
from tests.bot.running import WITHIN, invoke_in_thread, make_home
from tests.bot.serving import served, served_as_process
from tests.servers.openai import OpenAIServer, Text


async def test_serve_answers_once_indexed_and_exits_on_sigterm(tmp_path: Path) -> None:
    began = time.monotonic()
    async with served_as_process(make_home(tmp_path)) as bot, aiohttp.ClientSession(bot.address) as web:
        async with web.get("/healthz") as response:
            assert (response.status, await response.json()) == (200, {"status": "ok"})
        assert time.monotonic() - began < 15
        async with asyncio.timeout(WITHIN):
            while not (status := await (await web.get("/api/status")).json())["posts"] or status["reading"]:
                await asyncio.sleep(0.05)
        assert (status["posts"], status["offline"], len(status["examples"])) == (5, True, 5)
        answer = await (await web.post("/api/ask", json={"question": ASKED})).json()
        assert answer["sources"][0]["url"] == "garden/tomatoes.md"
        assert "<title>Footnoted</title>" in await (await web.get("/")).text()
        code, said = await bot.end(signal.SIGTERM)
    assert code == 0
    assert "Offline mode" in said
    assert "Sources: garden. Press Ctrl-C to stop." in said
    assert "Traceback" not in said


async def test_closing_the_page_cancels_the_model_and_shutdown_completes_open_answers(tmp_path: Path) -> None:
    async with OpenAIServer() as model:
        model.enqueue(Text("word " * 10_000, tokens_per_second=50), Text("word " * 20, tokens_per_second=40))
        async with (
            served(make_home(tmp_path), OPENAI_BASE_URL=model.base_url) as bot,
            aiohttp.ClientSession(bot.address) as web,
        ):
            async with asyncio.timeout(WITHIN):
                while not (await (await web.get("/api/status")).json())["posts"]:
                    await asyncio.sleep(0.05)
                asked = {"json": {"question": ASKED}, "headers": {"Accept": "text/event-stream"}}
                response = await web.post("/api/ask", **asked)  # type: ignore[arg-type]
                await response.content.readuntil(b"event: wrote")
                response.close()
                await model.chats[0].finished.wait()
                assert model.chats[0].cancelled
                response = await web.post("/api/ask", **asked)  # type: ignore[arg-type]
                await response.content.readuntil(b"event: wrote")
                ending = asyncio.create_task(bot.end(signal.SIGINT))
                assert b"event: answered" in await response.read()
            code, _ = await ending
    assert code == 0


async def test_port_in_use_is_reported_with_a_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = await invoke_in_thread(make_home(tmp_path), "serve", WEB_PORT=port)
    assert done.returncode == 2
    assert f"Cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "Set WEB_HOST and WEB_PORT to a free address." in done.stderr
    assert "Traceback" not in done.stderr


async def test_unreadable_source_does_not_stop_the_bot(tmp_path: Path) -> None:
    """The failure is logged, and questions are answered without sources."""
    (tmp_path / "footnoted.toml").write_text('feeds = ["http://127.0.0.1:1/feed"]\n', encoding="utf-8")
    async with served(tmp_path) as bot, aiohttp.ClientSession(bot.address) as web:
        async with asyncio.timeout(WITHIN):
            while "source read failed" not in {entry["event"] for entry in bot.log}:
                await asyncio.sleep(0.02)
        assert (await web.get("/healthz")).status == 200
        answer = await (await web.post("/api/ask", json={"question": ASKED})).json()
        assert (answer["grounded"], answer["sources"]) == (False, [])
        code, _ = await bot.end(signal.SIGTERM)
    assert code == 0
