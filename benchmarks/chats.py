"""What the benchmarks of chat platforms share: a bot on a stand-in for OpenAI, questions at 1, 10 and 50 at once, and
how what followed is shown.

Fifty questions come in the same moment first, then one after another, so that fifty are being answered at any time. The
stand-in writes 50 tokens a second and is asked directly in the same run: what the first words take beyond that is the
bot's own share.
"""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from benchmarks.asking import ask_model
from benchmarks.processes import environment, measure, resident_mb, running
from bot.embedded_redis import embedded_redis

TOKENS_A_SECOND = "50"
TIMES = "10"
"""How often an answer says its sentence: some 200 tokens, which take four seconds."""

ROUNDS = {1: 8, 10: 4, 50: 4}
"""How often so many questions are asked at once."""

MOST_AT_ONCE = max(ROUNDS)

OWN_SHARE = "own share of the first words"

AIMS = {"first response": (None, 200.0), OWN_SHARE: (50.0, 250.0)}
"""Milliseconds, p50 and p99, at 50 at once."""

MOST_OF_A_CORE = 0.60
WITHIN = 60.0
ANSWER_TAKES = 4.0
"""Seconds; so many questions spread over them are all being answered at once."""

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
"""Milliseconds from a question to what followed, by its name; `first words` is always among them."""

Ask = Callable[[int, float], Awaitable[list[Timing]]]
"""Asks so many questions, spread over so many seconds, and waits for all answers."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the bot runs: a folder, its Redis, and the address of its model."""

    folder: Path
    redis_url: str
    model: str


@contextmanager
def stage(model_port: int) -> Iterator[Stage]:
    """A stand-in for OpenAI and an empty Redis."""
    model = f"http://127.0.0.1:{model_port}/v1"
    options = ["--port", str(model_port), "--tokens-per-second", TOKENS_A_SECOND, "--times", TIMES]
    with (
        tempfile.TemporaryDirectory() as name,
        running(["tests.servers.openai", *options], Path(name), environment(), f"{model}/models"),
        embedded_redis(Path(name) / "redis") as url,
    ):
        yield Stage(Path(name), url, model)


@asynccontextmanager
async def serving(where: Stage, web_port: int, **settings: str) -> AsyncIterator[int]:
    """`footnoted serve` with its manual read, as an ordinary process; its number."""
    env = environment(
        REDIS_URL=where.redis_url,
        OPENAI_API_KEY="sk-benchmark",
        OPENAI_BASE_URL=where.model,
        WEB_PORT=str(web_port),
        QUESTIONS_PER_MINUTE="100000",
        CHANNEL_QUESTIONS_PER_MINUTE="100000",
        **settings,
    )
    await asyncio.to_thread(measure, ["bot", "reindex"], where.folder, env)
    process = running(["bot", "serve"], where.folder, env, f"http://127.0.0.1:{web_port}/healthz")
    pid, _ = await asyncio.to_thread(process.__enter__)
    try:
        yield pid
    finally:
        await asyncio.to_thread(process.__exit__, None, None, None)


async def compare(ask: Ask, model: str, pid: int) -> None:
    """Asks at 1, 10 and 50 at once, and 50 one after another, and shows what followed."""
    await ask(5, 0.0)
    print(f"{'milliseconds':36}{'p50':>10}{'p99':>10}")
    for at_once, rounds in ROUNDS.items():
        await _measured(ask, model, pid, at_once, rounds)
    await _measured(ask, model, pid, MOST_AT_ONCE, 2, over=ANSWER_TAKES)
    print(f"{resident_mb(pid):.0f} MB resident")


async def _measured(ask: Ask, model: str, pid: int, at_once: int, rounds: int, over: float = 0.0) -> None:
    timings: list[Timing] = []
    alone: list[float] = []
    busy = spent = 0.0
    for _ in range(rounds):
        began, used = time.perf_counter(), processor_seconds(pid)
        timings += await ask(at_once, over)
        busy, spent = busy + time.perf_counter() - began, spent + processor_seconds(pid) - used
        for _ in range(at_once if over else 1):
            alone += await _asked_alone(model, 1 if over else at_once)
    print(f"— {at_once} {f'one after another in {over:.0f} s' if over else 'at once'}, {len(timings)} questions")
    for name in timings[0]:
        _show(name, [timing[name] for timing in timings], at_once)
    _show("embedding and model alone", alone, at_once)
    _show(OWN_SHARE, [max(0.0, timing["first words"] - statistics.median(alone)) for timing in timings], at_once)
    aim = f"  (aim: {MOST_OF_A_CORE:.0%})" if at_once == MOST_AT_ONCE else ""
    print(f"{'processor of the bot':36}{spent / busy:10.0%} of one core{aim}")


async def _asked_alone(model: str, at_once: int) -> list[float]:
    """Milliseconds to the first token, when nobody but this asks the stand-in."""
    async with aiohttp.ClientSession() as session:
        timings = await asyncio.gather(*(ask_model(session, model, QUESTIONS[0]) for _ in range(at_once)))
    return [first * 1000 for first, _ in timings]


def processor_seconds(pid: int) -> float:
    """What a process has used of all cores so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _show(name: str, milliseconds: Sequence[float], at_once: int) -> None:
    p50, p99 = statistics.median(milliseconds), statistics.quantiles(milliseconds, n=100)[98]
    aims = AIMS.get(name) if at_once == MOST_AT_ONCE else None
    told = f"  (aims: {aims[0] or '–'} / {aims[1]})" if aims else ""
    print(f"{name:36}{p50:10.1f}{p99:10.1f}{told}")
