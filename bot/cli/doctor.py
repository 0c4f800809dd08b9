"""`footnoted doctor`: check configuration and dependencies."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, closing
from dataclasses import dataclass, replace
from typing import Literal

from rich.console import Console
from rich.text import Text

from bot.app import Bot, create_bot
from bot.cli.exit_codes import FAILED, NOT_READY, OK
from bot.config.loader import load_settings
from bot.config.settings import Settings
from bot.observability.log_redaction import LogRedactor, secrets_of
from bot.platforms import Platform, build_platforms
from core.domain import Question
from core.errors import FootnotedError, StartupError
from core.models.capabilities import INPUTS_PER_REQUEST
from core.models.protocols import Prompt

MODEL_TIMEOUT = 30.0
"""Seconds that a model has for its answer; one that thinks for longer only has to begin."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of output."""

    component: str
    state: str
    cure: str = ""
    level: Literal["ok", "problem", "note"] = "ok"


def run_checks(out: Console, set_up_logs: Callable[[Settings], None]) -> int:
    """Print one line per check; return the exit code."""
    try:
        settings = load_settings()
    except StartupError as error:
        for problem in error.problems:
            _show(out, CheckResult("settings", problem.what, problem.cure, "problem"))
        return NOT_READY
    set_up_logs(settings)
    return asyncio.run(_run_checks(settings, out))


async def _run_checks(settings: Settings, out: Console) -> int:
    problems = 0
    redact = LogRedactor(secrets_of(dict(settings)))
    async with aclosing(_check_all(settings)) as results:
        async for result in results:
            # Servers repeat keys in their messages.
            _show(out, replace(result, state=redact(None, "", {"state": result.state})["state"]))
            problems += result.level == "problem"
    summary = "1 problem found." if problems == 1 else f"{problems} problems found."
    out.print(Text(summary if problems else "No problems found.", style="bold"))
    return FAILED if problems else OK


async def _check_all(settings: Settings) -> AsyncGenerator[CheckResult, None]:
    yield CheckResult("settings", "valid")
    yield _check_port("web page", settings.web_host, settings.web_port, "WEB_PORT")
    if settings.metrics_port is not None:
        yield _check_port("metrics", settings.metrics_host, settings.metrics_port, "METRICS_PORT")
    try:
        async with create_bot(settings) as bot:
            server = "the server in REDIS_URL" if settings.redis_url else f"embedded, in {settings.data_dir}"
            yield CheckResult("Redis", f"{server}; connected, search available")
            for check in (_check_embedding_model, _check_chat_model, _check_posts):
                yield await check(bot)
            for platform in build_platforms(bot):
                yield await _check_platform(platform)
    except StartupError as error:
        for problem in error.problems:
            yield CheckResult("Redis", problem.what, problem.cure, "problem")


def _check_port(component: str, host: str, port: int, setting: str) -> CheckResult:
    address = f"{host}:{port}"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            cure = f"This is expected while the bot is running; otherwise, set {setting} to a free port."
            return CheckResult(component, f"{address} is in use ({error.strerror})", cure, "note")
    return CheckResult(component, f"{address} is free")


async def _check_embedding_model(bot: Bot) -> CheckResult:
    name = bot.embedder.name
    try:
        async with asyncio.timeout(MODEL_TIMEOUT):
            dimensions = await bot.embedder.dimensions()
            await bot.embedder.embed([f"Is this text {number}?" for number in range(INPUTS_PER_REQUEST)])
    except (FootnotedError, TimeoutError) as error:
        server = "EMBEDDING" if bot.settings.has_embedding_server else "OPENAI"
        cure = f"Check {server}_API_KEY, {server}_BASE_URL and EMBEDDING_MODEL."
        return CheckResult("embedding model", f"{name} failed: {error}", cure, "problem")
    state = f"{name}, {dimensions} dimensions"
    return CheckResult("embedding model", "; ".join([state, *bot.embedder.limitations]))


async def _check_chat_model(bot: Bot) -> CheckResult:
    model = bot.chat_model
    if not model.follows_instructions:
        return CheckResult(
            "chat model", "none: answers are quoted from the posts", "Set OPENAI_API_KEY to use one.", "note"
        )
    prompt = Prompt("Answer in one word.", (), "Are you there?", Question("Are you there?"))
    alive = False
    try:
        async with asyncio.timeout(MODEL_TIMEOUT), aclosing(model.stream(prompt)) as pieces:
            async for _ in pieces:
                alive = True
    except (FootnotedError, TimeoutError) as error:
        if not alive:
            cure = "Check OPENAI_API_KEY, OPENAI_BASE_URL and CHAT_MODEL."
            return CheckResult("chat model", f"{model.name} failed: {error}", cure, "problem")
    return CheckResult("chat model", "; ".join([model.name, *model.limitations]))


async def _check_posts(bot: Bot) -> CheckResult:
    stats = await bot.catalog.stats()
    reason = await bot.reindex_reason()
    state = f"{stats.posts}, passages: {stats.passages}"
    return (
        CheckResult("posts", f"{state}; {reason}", "Run `footnoted reindex`.", "note")
        if reason
        else CheckResult("posts", state)
    )


async def _check_platform(platform: Platform) -> CheckResult:
    name = platform.name.capitalize()
    try:
        return CheckResult(name, await platform.check())
    except StartupError as error:
        first, *more = error.problems
        cure = " ".join([first.cure, *(f"{problem.what} {problem.cure}" for problem in more)])
        return CheckResult(name, first.what, cure, "problem")


def _show(out: Console, result: CheckResult) -> None:
    sign, style = {"ok": ("✓", "green"), "problem": ("✗", "red"), "note": ("·", "yellow")}[result.level]
    line = Text.assemble((f"{sign} ", style), (f"{result.component}: ", "bold"), result.state)
    if result.cure:
        line.append(f"  → {result.cure}", style="dim")
    out.print(line, soft_wrap=True)
