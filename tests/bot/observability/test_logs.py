"""The log: JSON without a terminal, and never with keys or questions."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.adapters.garden import ASKED
from tests.bot.running import WITHIN, command, environment, make_home
from tests.bot.serving import served_as_process
from tests.servers.loopback import Status
from tests.servers.openai import Broken, ChatRequest, Garbage, OpenAIServer, Reply, Text
from tests.servers.slack import SlackServer

KEY = "sk-test-secret"


async def logged(home: Path, *arguments: str, **settings: str) -> list[str]:
    """Run a command; return the lines of its standard error."""
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


PROMPT_ECHOED = "I cannot do this: "
ANSWER = "Water tomatoes early in the morning, at the root, as patient gardeners do [1]."


def trouble(key: str) -> Callable[[ChatRequest], Reply]:
    """Return a model that fails in a different way each time and repeats its prompt and key in the errors."""
    failures: Iterator[Callable[[str], Reply]] = iter(
        [
            lambda told: Status(400, message=told),
            lambda told: Status(401, message=told),
            lambda told: Status(404, message=json.dumps(told)),
            lambda told: Broken(ANSWER),
            lambda told: Garbage(ANSWER),
        ]
    )

    def answer(chat: ChatRequest) -> Reply:
        told = f"{PROMPT_ECHOED}{key} {' '.join(str(message['content']) for message in chat.messages)}"
        return next(failures, lambda _: Text(ANSWER))(told)

    return answer


async def run_with_failures(home: Path, **given: str) -> tuple[list[dict[str, Any]], list[str], list[dict[str, Any]]]:
    """The log of a bot with which nearly everything goes wrong, as entries, all secrets it was given, and what the
    page was told."""
    async with OpenAIServer(answer=trouble(KEY)) as model, SlackServer() as slack:
        secrets = {
            "OPENAI_API_KEY": KEY,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_SIGNING_SECRET": slack.signing_secret,
        }
        settings = {"OPENAI_BASE_URL": model.base_url, "SLACK_API_URL": slack.base_url, "LOG_LEVEL": "debug"}
        async with served_as_process(make_home(home), **secrets, **settings, **given) as bot:
            slack.http.use(f"{bot.address}/slack/events")
            async with aiohttp.ClientSession(bot.address) as page:
                async with asyncio.timeout(WITHIN):
                    while not (status := await (await page.get("/api/status")).json())["posts"] or status["reading"]:
                        await asyncio.sleep(0.05)
                told = [await (await page.post("/api/ask", json={"question": ASKED})).json() for _ in range(6)]
                slack.say(slack.user, slack.channel, f"<@{slack.bot.id}> {ASKED}")
                await slack.until(lambda: any(m.user == slack.bot.id for m in slack.messages(slack.channel.id)), 15)
            _, said = await bot.end(signal.SIGTERM)
    lines = [line for line in said.splitlines() if line.startswith("{")]
    return [json.loads(line) for line in lines], list(secrets.values()), told


async def test_debug_log_of_many_failures_has_no_questions_answers_posts_or_secrets(tmp_path: Path) -> None:
    entries, secrets, told = await run_with_failures(tmp_path)
    log = json.dumps(entries, ensure_ascii=False).casefold()
    for secret in secrets:
        assert secret.casefold() not in log
    assert "i cannot do this" in log, "the error itself is logged"
    for words in (
        "water tomatoes",
        "early in the morning",
        "patient gardeners",
        "fifteen litres",
        "never on the leaves",
    ):
        assert words not in log
    # The error id that the user sees leads to all log lines about the question.
    failed = {entry["error_id"]: entry for entry in entries if entry["event"] == "question failed"}
    # The request after the 400, without the options that a server may not know, gets the 401.
    assert len(failed) == 4
    [refused] = [entry for entry in failed.values() if "401" in entry["cause"]]
    assert (refused["level"], refused["error"], len(refused["error_id"])) == ("error", "ModelRefused", 8)
    assert "Traceback" in refused["exception"]
    assert refused["timestamp"].endswith("Z")
    for answer in told[:4]:
        [error_id] = [known for known in failed if known in json.dumps(answer)]
        question = failed[error_id]["question"]
        ends = [entry for entry in entries if entry.get("question") == question and "outcome" in entry]
        assert [entry["outcome"] for entry in ends] == ["failed"]
    settled = [entry for entry in entries if entry["event"] == "question finished"]
    assert [entry["outcome"] for entry in settled] == ["failed"] * 4 + ["answered"] * 3


async def test_log_text_setting_logs_questions_and_answers_but_no_secrets(tmp_path: Path) -> None:
    entries, secrets, _ = await run_with_failures(tmp_path, LOG_TEXT="true")
    last = [entry for entry in entries if entry["event"] == "question finished"][-1]
    assert (last["asked"], last["answer"]) == (ASKED, ANSWER)
    log = json.dumps(entries, ensure_ascii=False)
    assert not [secret for secret in secrets if secret in log]


THROWN = """
import asyncio, logging, warnings, structlog
from bot.observability.logs import set_up_logs
set_up_logs("debug", ["hunter2-secret"])
logging.getLogger("library").warning("it says %s and\\nmore", "hunter2-secret")
logging.getLogger("library").info("unheard")
warnings.warn("hunter2-secret is deprecated")
async def lost(): raise ValueError("hunter2-secret")
async def main():
    asyncio.get_running_loop().call_exception_handler({"message": "lost", "exception": ValueError("hunter2-secret")})
asyncio.run(main())
structlog.get_logger().error("told", about={"key": ["hunter2-secret"]}, error=ValueError("hunter2-secret"))
raise RuntimeError("redis://user:another-password@host and xoxb-12-ab and sk-abcdefgh123 and hunter2-secret")
"""


async def test_errors_from_any_origin_are_logged_in_one_line_without_secrets() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", THROWN, env=environment(), stderr=asyncio.subprocess.PIPE
    )
    _, err = await process.communicate()
    entries = [json.loads(line) for line in err.decode().splitlines()]
    assert [entry["level"] for entry in entries] == ["warning", "warning", "error", "error", "error"]
    assert entries[0]["logger"] == "library"
    assert "RuntimeError" in entries[-1]["exception"]
    told = err.decode()
    for secret in ("hunter2", "another-password", "xoxb-12", "abcdefgh123"):
        assert secret not in told


async def test_successful_command_logs_nothing(tmp_path: Path) -> None:
    async with OpenAIServer() as model:
        settings = {"OPENAI_BASE_URL": model.base_url, "OPENAI_API_KEY": KEY}
        lines = await logged(make_home(tmp_path), "ask", ASKED, **settings)
    # Without a network the model's vocabulary cannot be had, which is a warning.
    said = [line for line in lines if line and "estimating token counts" not in line]
    assert said == ["Reindexing first: the sources have not been read yet."]


@pytest.mark.parametrize("level", ["debug", "warning"])
async def test_log_level_filters_events(tmp_path: Path, level: str) -> None:
    script = (
        "import structlog; from bot.observability.logs import set_up_logs\n"
        f"set_up_logs({level!r})\n"
        "log = structlog.get_logger(); log.debug('small'); log.warning('large', count=1)"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, env=environment(), stderr=asyncio.subprocess.PIPE
    )
    _, err = await process.communicate()
    events = [json.loads(line)["event"] for line in err.decode().splitlines()]
    assert events == (["small", "large"] if level == "debug" else ["large"])
