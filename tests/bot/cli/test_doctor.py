"""`footnoted doctor`: its checks, remedies and exit codes."""

import asyncio
import socket
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bot.app import create_bot
from bot.cli.doctor import run_checks
from bot.config.loader import load_settings
from tests.adapters.conftest import unseen
from tests.bot.running import invoke, make_home
from tests.servers.loopback import Status
from tests.servers.openai import OpenAIServer


async def diagnose(monkeypatch: pytest.MonkeyPatch, **settings: str) -> tuple[int, str]:
    """Run all checks with settings in the environment; return the exit code and the lines."""
    for name, value in settings.items():
        monkeypatch.setenv(name.upper(), value)
    out = StringIO()
    code = await asyncio.to_thread(run_checks, Console(file=out, width=400), lambda settings: None)
    return code, out.getvalue()


def line_about(lines: str, what: str) -> str:
    return next(line for line in lines.splitlines() if line[2:].startswith(f"{what}:"))


async def test_no_problems_exit_with_zero(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> None:
    code, lines = await diagnose(monkeypatch, redis_url=redis_url, web_port="0")
    assert code == 0
    assert lines.rstrip().endswith("No problems found.")
    assert line_about(lines, "Redis").startswith("✓ Redis: the server in REDIS_URL")
    assert "256 dimensions" in line_about(lines, "embedding model")
    assert "Set OPENAI_API_KEY to use one." in line_about(lines, "chat model")


async def test_posts_that_are_not_indexed_yet_are_a_note(
    monkeypatch: pytest.MonkeyPatch, redis: object, redis_url: str
) -> None:
    code, lines = await diagnose(monkeypatch, redis_url=redis_url)
    assert code == 0
    assert line_about(lines, "posts") == (
        "· posts: 0, passages: 0; the sources have not been read yet  → Run `footnoted reindex`."
    )


async def test_rejected_model_is_a_problem_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, redis: object, redis_url: str
) -> None:
    async with OpenAIServer(models=["text-embedding-3-small"]) as model:
        code, lines = await diagnose(
            monkeypatch, redis_url=redis_url, openai_base_url=model.base_url, openai_api_key="sk-test-secret"
        )
    assert code == 1
    assert "1 problem found." in lines
    assert "1536 dimensions" in line_about(lines, "embedding model")
    assert line_about(lines, "chat model").startswith("✗ chat model: gpt-5.4-mini failed: 404")
    assert "Check OPENAI_API_KEY, OPENAI_BASE_URL and CHAT_MODEL." in line_about(lines, "chat model")
    assert "sk-test-secret" not in lines


async def test_unavailable_embedding_model_does_not_hide_the_other_checks(
    monkeypatch: pytest.MonkeyPatch, redis: object, redis_url: str, tmp_path: Path
) -> None:
    make_home(tmp_path)
    async with OpenAIServer() as model:
        await index_with(redis_url, model)
        model.enqueue_embedding(*[Status(400)] * 9)
        code, lines = await diagnose(monkeypatch, redis_url=redis_url, openai_base_url=model.base_url)
    assert code == 1
    assert line_about(lines, "embedding model").startswith("✗ embedding model: text-embedding-3-small failed")
    assert line_about(lines, "chat model") == "✓ chat model: gpt-5.4-mini"
    assert "posts: 5, passages: 5" in line_about(lines, "posts")


async def test_what_model_servers_do_not_take_is_shown(
    monkeypatch: pytest.MonkeyPatch, redis: object, redis_url: str
) -> None:
    async with OpenAIServer() as model:
        model.max_inputs, model.max_inputs_message = 10, "should not be larger than 10"
        model.refuses_system = Status(400, message="System role not supported")
        code, lines = await diagnose(monkeypatch, redis_url=redis_url, openai_base_url=model.base_url)
    assert code == 0
    assert line_about(lines, "embedding model").endswith("1536 dimensions; at most 10 texts a request")
    assert "no system role" in line_about(lines, "chat model")


async def test_key_that_a_server_repeats_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, redis: object, redis_url: str
) -> None:
    async with OpenAIServer(answer=lambda chat: Status(401, message="Incorrect API key: my.odd.key")) as model:
        _, lines = await diagnose(
            monkeypatch, redis_url=redis_url, openai_base_url=model.base_url, openai_api_key="my.odd.key"
        )
    assert "Incorrect API key: [secret]" in line_about(lines, "chat model")
    assert "my.odd.key" not in lines


async def index_with(redis_url: str, model: OpenAIServer) -> None:
    """Index the blog with this model."""
    settings = await asyncio.to_thread(load_settings, redis_url=redis_url, openai_base_url=model.base_url)
    async with create_bot(settings) as bot:
        await bot.reindex(unseen)


async def test_port_in_use_is_a_note_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, redis: object, redis_url: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, lines = await diagnose(monkeypatch, redis_url=redis_url, web_port=str(port))
    assert code == 0
    assert f"127.0.0.1:{port} is in use" in line_about(lines, "web page")
    assert "set WEB_PORT to a free port." in line_about(lines, "web page")


async def test_invalid_settings_end_the_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    code, lines = await diagnose(monkeypatch, web_port="99999", top_k="0")
    assert code == 2
    assert "✗ settings: WEB_PORT is invalid" in lines
    assert "✗ settings: TOP_K is invalid" in lines


async def test_unreachable_redis_is_a_problem_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    code, lines = await diagnose(monkeypatch, redis_url="redis://127.0.0.1:1")
    assert code == 1
    assert line_about(lines, "Redis").startswith("✗ Redis:")
    assert "→" in line_about(lines, "Redis")


def test_command_prints_only_the_checks_and_exits_with_their_result(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    done = invoke(home, "doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("✓ settings: valid\n")
    assert done.stdout.endswith("No problems found.\n")
    wrong = invoke(home, "doctor", OPENAI_BASE_URL="http://127.0.0.1:1/v1")
    assert (wrong.returncode, wrong.stderr) == (1, "")
    assert [line[0] for line in wrong.stdout.splitlines()] == ["✓", "✓", "✓", "✗", "✗", "·", "2"]
