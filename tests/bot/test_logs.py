"""The log: JSON where no terminal reads it, and never a key or what people asked."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.adapters.garden import ASKED
from tests.bot.running import command, environment, make_home
from tests.servers import Status
from tests.servers.openai import OpenAIServer

KEY = "sk-test-secret"


async def logged(home: Path, *arguments: str, **settings: str) -> list[str]:
    """What a command writes to standard error."""
    process = await asyncio.create_subprocess_exec(
        *command(*arguments),
        cwd=home,
        env=environment(settings),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        _, err = await process.communicate()
    return err.decode().splitlines()


async def test_a_failing_question_is_logged_as_json_without_secrets_or_what_was_asked(tmp_path: Path) -> None:
    """Not even at the most talkative level, and not even when the model's server says the key in its refusal."""
    async with OpenAIServer(answer=lambda _: Status(401, message="Incorrect API key provided.")) as model:
        settings = {"OPENAI_BASE_URL": model.base_url, "OPENAI_API_KEY": KEY, "LOG_LEVEL": "debug"}
        lines = await logged(make_home(tmp_path), "ask", "--json", ASKED, **settings)
    entries = [json.loads(line) for line in lines if line.startswith("{")]
    failure = next(entry for entry in entries if entry["event"] == "a question failed")
    assert failure["level"] == "error"
    assert failure["error"] == "ModelRefused"
    assert "401" in failure["cause"]
    assert "Traceback" in failure["exception"]
    assert len(failure["error_id"]) == 8
    assert failure["timestamp"].endswith("Z")
    told = "\n".join(lines)
    assert KEY not in told
    assert ASKED not in told
    assert "water" not in told.lower()


async def test_commands_log_nothing_when_nothing_went_wrong(tmp_path: Path) -> None:
    async with OpenAIServer() as model:
        settings = {"OPENAI_BASE_URL": model.base_url, "OPENAI_API_KEY": KEY}
        lines = await logged(make_home(tmp_path), "ask", ASKED, **settings)
    # Without a network the model's vocabulary cannot be had, which is a warning.
    said = [line for line in lines if line and "tokens are estimated" not in line]
    assert said == ["Reading the sources first: nothing has been read yet."]


@pytest.mark.parametrize("level", ["debug", "warning"])
async def test_the_level_decides_what_is_said(tmp_path: Path, level: str) -> None:
    script = (
        "import structlog; from bot.logs import set_up_logs\n"
        f"set_up_logs({level!r})\n"
        "log = structlog.get_logger(); log.debug('small'); log.warning('large', count=1)"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, env=environment(), stderr=asyncio.subprocess.PIPE
    )
    _, err = await process.communicate()
    events = [json.loads(line)["event"] for line in err.decode().splitlines()]
    assert events == (["small", "large"] if level == "debug" else ["large"])
