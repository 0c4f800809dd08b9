"""Whether all that the bot needs is here, and if not, what to do about it."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, closing
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.text import Text

from bot.app import Bot, create_bot
from bot.config.settings import Settings, load_settings
from bot.platforms import Platform, build_platforms
from core.domain import Question
from core.errors import FootnotedError, StartupError
from core.models.protocols import Prompt

MODEL_WITHIN = 30.0
"""Seconds that a model gets for a word."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and the cure when it is not well."""

    about: str
    how: str
    cure: str = ""
    kind: Literal["well", "wrong", "note"] = "well"


def examine_all(out: Console, set_up_logs: Callable[[Settings], None]) -> int:
    """Prints a line for everything; the exit code is 1 when something is wrong, 2 when settings are."""
    try:
        settings = load_settings()
    except StartupError as error:
        for problem in error.problems:
            _show(out, Finding("settings", problem.what, problem.cure, "wrong"))
        return 2
    set_up_logs(settings)
    return asyncio.run(_examine(settings, out))


async def _examine(settings: Settings, out: Console) -> int:
    wrong = 0
    async with aclosing(_findings(settings)) as findings:
        async for finding in findings:
            _show(out, finding)
            wrong += finding.kind == "wrong"
    out.print(Text("All is well." if not wrong else f"{wrong} to mend.", style="bold"))
    return 1 if wrong else 0


async def _findings(settings: Settings) -> AsyncGenerator[Finding, None]:
    yield Finding("settings", "read")
    yield _port("web page", settings.web_host, settings.web_port, "WEB_PORT")
    if settings.metrics_port is not None:
        yield _port("metrics", settings.metrics_host, settings.metrics_port, "METRICS_PORT")
    try:
        async with create_bot(settings) as bot:
            where = "the server in REDIS_URL" if settings.redis_url else f"embedded, in {settings.data_dir}"
            yield Finding("Redis", f"{where}; it answers, and it searches")
            for check in (_embedding, _chat, _posts):
                yield await check(bot)
            for platform in build_platforms(bot):
                yield await _platform(platform)
    except StartupError as error:
        for problem in error.problems:
            yield Finding("Redis", problem.what, problem.cure, "wrong")


def _port(about: str, host: str, port: int, setting: str) -> Finding:
    address = f"{host}:{port}"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            cure = f"Fine when the bot is running; else set {setting} to a free one."
            return Finding(about, f"{address} is taken ({error.strerror})", cure, "note")
    return Finding(about, f"{address} is free")


async def _embedding(bot: Bot) -> Finding:
    name = bot.embedder.name
    try:
        async with asyncio.timeout(MODEL_WITHIN):
            dimensions = await bot.embedder.dimensions()
    except (FootnotedError, TimeoutError) as error:
        server = "EMBEDDING" if bot.settings.has_embedding_server else "OPENAI"
        cure = f"Look at {server}_API_KEY, {server}_BASE_URL and EMBEDDING_MODEL."
        return Finding("embedding model", f"{name} does not answer: {error}", cure, "wrong")
    return Finding("embedding model", f"{name}, {dimensions} dimensions")


async def _chat(bot: Bot) -> Finding:
    model = bot.chat_model
    if not model.follows_instructions:
        return Finding("chat model", "none: answers are quoted from the posts", "Set OPENAI_API_KEY for one.", "note")
    prompt = Prompt("Answer in one word.", (), "Are you there?", Question("Are you there?"))
    try:
        async with asyncio.timeout(MODEL_WITHIN), aclosing(model.stream(prompt)) as pieces:
            await anext(pieces, "")
    except (FootnotedError, TimeoutError) as error:
        cure = "Look at OPENAI_API_KEY, OPENAI_BASE_URL and CHAT_MODEL."
        return Finding("chat model", f"{model.name} does not answer: {error}", cure, "wrong")
    return Finding("chat model", model.name)


async def _posts(bot: Bot) -> Finding:
    holdings = await bot.catalog.stats()
    reason = await bot.reindex_reason()
    how = f"{holdings.posts}, passages: {holdings.passages}"
    return Finding("posts", f"{how}; {reason}", "Run `footnoted reindex`.", "note") if reason else Finding("posts", how)


async def _platform(platform: Platform) -> Finding:
    name = platform.name.capitalize()
    try:
        return Finding(name, await platform.check())
    except StartupError as error:
        first, *more = error.problems
        cure = " ".join([first.cure, *(f"{problem.what} {problem.cure}" for problem in more)])
        return Finding(name, first.what, cure, "wrong")


def _show(out: Console, finding: Finding) -> None:
    sign, style = {"well": ("✓", "green"), "wrong": ("✗", "red"), "note": ("·", "yellow")}[finding.kind]
    line = Text.assemble((f"{sign} ", style), (f"{finding.about}: ", "bold"), finding.how)
    if finding.cure:
        line.append(f"  → {finding.cure}", style="dim")
    out.print(line, soft_wrap=True)
