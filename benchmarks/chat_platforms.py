"""Shared by the benchmarks of chat platforms: a bot with a stand-in for OpenAI, asked 1, 10 and 50 questions at once.

Fifty questions arrive simultaneously at first, then one after another, so that fifty are always in flight. The stand-in
writes 50 tokens per second and is asked directly in the same run; the additional time to the first words is the bot's
own overhead.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.processes import environment, measure, resident_mb, running
from benchmarks.questions import ask_model
from bot.embedded_redis import embedded_redis

TOKENS_PER_SECOND = "50"
TIMES = 10
"""How often an answer repeats its sentence: about 200 tokens, which take four seconds."""

ROUNDS = {1: 8, 10: 4, 50: 4}
"""Rounds by the number of simultaneous questions."""

ANSWER = "According to the posts"
"""How the stand-in begins an answer."""

MAX_AT_ONCE = max(ROUNDS)

OVERHEAD = "own overhead until first words"

AIMS = {"first response": (None, 200.0), OVERHEAD: (50.0, 250.0)}
"""Milliseconds, p50 and p99, at 50 at once."""

MAX_CORE_SHARE = 0.60
TIMEOUT = 60.0
"""Seconds for all answers of a round."""

ANSWER_SECONDS = 4.0
"""Duration of an answer; questions spread over it are all in flight at its end."""

QUESTIONS = (
    "Where is my data stored?",
    "Can I use Ollama?",
    "How do I read a folder of files?",
    "What does a reindexing run do?",
    "How are answers measured?",
    "How do I set the persona of the bot?",
    "What happens when Redis cannot be reached?",
    "How long is a conversation kept?",
)

Timing = Mapping[str, float]
"""Milliseconds from a question to each milestone, by name; always contains `first words`."""

Ask = Callable[[int, float], Awaitable[list[Timing]]]
"""Ask a number of questions, spread over a number of seconds, and wait for all answers."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Where the bot runs: its folder, its Redis, and the URL of its model."""

    folder: Path
    redis_url: str
    model: str


def check_answer(text: str) -> None:
    """Raise RuntimeError unless a text is the model's answer: a refusal takes a fraction of the time."""
    if ANSWER not in text:
        raise RuntimeError(f"not an answer of the model: {text}")


def benchmark(
    description: str | None, model_port: int, run: Callable[[Environment], Coroutine[Any, Any, None]]
) -> None:
    """Run the benchmark of one platform."""
    argparse.ArgumentParser(description=description).parse_args()
    with bot_environment(model_port) as env:
        asyncio.run(run(env))


@contextmanager
def bot_environment(model_port: int, times: int = TIMES) -> Iterator[Environment]:
    """Start a stand-in for OpenAI, which repeats its sentence so many times, and an empty Redis."""
    model = f"http://127.0.0.1:{model_port}/v1"
    options = ["--port", str(model_port), "--tokens-per-second", TOKENS_PER_SECOND, "--times", str(times)]
    with (
        tempfile.TemporaryDirectory() as name,
        running(["tests.servers.openai", *options], Path(name), environment(), f"{model}/models"),
        embedded_redis(Path(name) / "redis") as url,
    ):
        yield Environment(Path(name), url, model)


def variables_of(env: Environment, web_port: int, **settings: str) -> dict[str, str]:
    """Return the environment variables of a bot that refuses no question."""
    return environment(
        REDIS_URL=env.redis_url,
        OPENAI_API_KEY="sk-benchmark",
        OPENAI_BASE_URL=env.model,
        WEB_PORT=str(web_port),
        QUESTIONS_PER_MINUTE="1000000",
        CHANNEL_QUESTIONS_PER_MINUTE="1000000",
        WEB_QUESTIONS_PER_MINUTE="1000000",
        MIN_SCORE="0",
        **settings,
    )


@asynccontextmanager
async def serving(env: Environment, variables: Mapping[str, str]) -> AsyncIterator[int]:
    """Index the manual and run `footnoted serve` as an ordinary process; yield its process ID."""
    await asyncio.to_thread(measure, ["bot", "reindex"], env.folder, variables)
    process = running(["bot", "serve"], env.folder, variables, f"http://127.0.0.1:{variables['WEB_PORT']}/healthz")
    pid, _ = await asyncio.to_thread(process.__enter__)
    try:
        yield pid
    finally:
        await asyncio.to_thread(process.__exit__, None, None, None)


async def compare(ask: Ask, model: str, pid: int) -> None:
    """Ask 1, 10 and 50 questions at once, then 50 one after another, and print the timings."""
    await ask(5, 0.0)
    print(f"{'milliseconds':36}{'p50':>10}{'p99':>10}")
    for at_once, rounds in ROUNDS.items():
        await _measure(ask, model, pid, at_once, rounds)
    await _measure(ask, model, pid, MAX_AT_ONCE, 2, over=ANSWER_SECONDS)
    print(f"{resident_mb(pid):.0f} MB resident")


async def _measure(ask: Ask, model: str, pid: int, at_once: int, rounds: int, over: float = 0.0) -> None:
    timings: list[Timing] = []
    direct: list[float] = []
    busy = spent = 0.0
    for _ in range(rounds):
        started, used = time.perf_counter(), cpu_seconds(pid)
        timings += await ask(at_once, over)
        busy, spent = busy + time.perf_counter() - started, spent + cpu_seconds(pid) - used
        for _ in range(at_once if over else 1):
            direct += await _ask_directly(model, 1 if over else at_once)
    print(f"— {at_once} {f'one after another in {over:.0f} s' if over else 'at once'}, {len(timings)} questions")
    for name in timings[0]:
        _show(name, [timing[name] for timing in timings], at_once)
    _show("stand-in asked directly", direct, at_once)
    _show(OVERHEAD, [max(0.0, timing["first words"] - statistics.median(direct)) for timing in timings], at_once)
    aim = f"  (aim: {MAX_CORE_SHARE:.0%})" if at_once == MAX_AT_ONCE else ""
    print(f"{'CPU of the bot':36}{spent / busy:10.0%} of one core{aim}")


async def _ask_directly(model: str, at_once: int) -> list[float]:
    """Return the milliseconds to the first token of the otherwise idle stand-in."""
    async with aiohttp.ClientSession() as session:
        timings = await asyncio.gather(*(ask_model(session, model, QUESTIONS[0]) for _ in range(at_once)))
    return [first * 1000 for first, _ in timings]


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds that a process has used on all cores."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _show(name: str, milliseconds: Sequence[float], at_once: int) -> None:
    p50, p99 = statistics.median(milliseconds), statistics.quantiles(milliseconds, n=100)[98]
    aims = AIMS.get(name) if at_once == MAX_AT_ONCE else None
    note = f"  (aims: {aims[0] or '–'} / {aims[1]})" if aims else ""
    print(f"{name:36}{p50:10.1f}{p99:10.1f}{note}")
