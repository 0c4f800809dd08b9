"""`footnoted serve`: startup, answers during indexing, and clean shutdown."""

import asyncio
import re
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.adapters.garden import ASKED
from tests.bot.running import command, environment, footnoted, make_home
from tests.servers.openai import OpenAIServer, Text

WITHIN = 30.0


@dataclass(slots=True)
class Served:
    """A running bot; `said` is its standard error up to the line with its address."""

    process: asyncio.subprocess.Process
    address: str
    said: str

    async def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal; return the exit code and all of standard error."""
        self.process.send_signal(number)
        async with asyncio.timeout(WITHIN):
            _, rest = await self.process.communicate()
        return self.process.returncode or 0, self.said + rest.decode()


@asynccontextmanager
async def served(home: Path, **settings: str) -> AsyncIterator[Served]:
    """Start `footnoted serve` on a free port and wait for its address."""
    process = await asyncio.create_subprocess_exec(
        *command("serve"), cwd=home, env=environment(settings), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr
    try:
        said, found = "", None
        async with asyncio.timeout(WITHIN):
            while not (found := re.search(r"http://[0-9.]+:\d+", said)):
                line = await process.stderr.readline()
                assert line, f"bot exited: {said}"
                said += line.decode()
        yield Served(process, found[0], said)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def test_serve_answers_once_indexed_and_exits_on_sigterm(tmp_path: Path) -> None:
    began = time.monotonic()
    async with served(make_home(tmp_path)) as bot, aiohttp.ClientSession(bot.address) as web:
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
            code, said = await ending
    assert code == 0
    assert "Traceback" not in said


async def test_port_in_use_is_reported_with_a_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = await asyncio.to_thread(footnoted, make_home(tmp_path), "serve", WEB_PORT=port)
    assert done.returncode == 2
    assert f"Cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "Set WEB_HOST and WEB_PORT to a free address." in done.stderr
    assert "Traceback" not in done.stderr


async def test_unreadable_source_does_not_stop_the_bot(tmp_path: Path) -> None:
    """The failure is logged, and questions are answered without sources."""
    (tmp_path / "footnoted.toml").write_text('feeds = ["http://127.0.0.1:1/feed"]\n', encoding="utf-8")
    async with served(tmp_path) as bot, aiohttp.ClientSession(bot.address) as web:
        assert bot.process.stderr
        async with asyncio.timeout(WITHIN):
            while "document read failed" not in bot.said:
                bot.said += (await bot.process.stderr.readline()).decode()
        assert (await web.get("/healthz")).status == 200
        answer = await (await web.post("/api/ask", json={"question": ASKED})).json()
        assert (answer["grounded"], answer["sources"]) == (False, [])
        code, _ = await bot.end(signal.SIGTERM)
    assert code == 0
