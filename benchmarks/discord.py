"""From `/ask` in Discord to the first response and to the first words: `python -m benchmarks.discord`.

`footnoted serve` runs as an ordinary process, connected to a loopback Discord in this one and to a stand-in for OpenAI
in a third, which writes 50 tokens a second; it answers from its own manual. The stand-in is asked directly in the same
run: what the first words take beyond that is the bot's own share. Fifty questions come in the same moment first, then
one after another, so that fifty are being answered at any time.
"""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from benchmarks.asking import ask_model
from benchmarks.processes import environment, measure, resident_mb, running
from bot.embedded_redis import embedded_redis
from tests.servers.discord import Channel, DiscordServer, Interaction

MODEL, WEB = 8962, 8963
TOKENS_A_SECOND = "50"
TIMES = "10"
"""How often an answer says its sentence: some 200 tokens, which take four seconds."""

ROUNDS = {1: 8, 10: 4, 50: 4}
"""How often so many questions are asked at once."""

AIMS = {"acknowledged": (None, 200.0), "own share of the first words": (50.0, 250.0)}
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


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds from a command to what followed."""

    acknowledged: float
    first_words: float
    end: float


def main() -> None:
    model = f"http://127.0.0.1:{MODEL}/v1"
    stand_in = ["tests.servers.openai", "--port", str(MODEL), "--tokens-per-second", TOKENS_A_SECOND, "--times", TIMES]
    with (
        tempfile.TemporaryDirectory() as name,
        running(stand_in, Path(name), environment(), f"{model}/models"),
        embedded_redis(Path(name) / "redis") as url,
    ):
        asyncio.run(compare(Path(name), model, url))


async def compare(folder: Path, model: str, redis_url: str) -> None:
    """Connects the bot, and asks at 1, 10 and 50 at once."""
    async with DiscordServer() as discord:
        rooms = [discord.add_channel("acme", f"room-{number}") for number in range(max(ROUNDS))]
        env = environment(
            REDIS_URL=redis_url,
            OPENAI_API_KEY="sk-benchmark",
            OPENAI_BASE_URL=model,
            WEB_PORT=str(WEB),
            DISCORD_BOT_TOKEN=discord.token,
            DISCORD_API_URL=discord.api_url,
            QUESTIONS_PER_MINUTE="100000",
            CHANNEL_QUESTIONS_PER_MINUTE="100000",
        )
        await asyncio.to_thread(measure, ["bot", "reindex"], folder, env)
        serving = running(["bot", "serve"], folder, env, f"http://127.0.0.1:{WEB}/healthz")
        pid, _ = await asyncio.to_thread(serving.__enter__)
        try:
            await discord.ready(within=WITHIN)
            await asked(discord, rooms, 5)
            print(f"{'milliseconds':36}{'p50':>10}{'p99':>10}")
            for at_once, rounds in ROUNDS.items():
                await measured(discord, rooms, model, pid, at_once, rounds)
            await measured(discord, rooms, model, pid, max(ROUNDS), 2, over=ANSWER_TAKES)
            print(f"{resident_mb(pid):.0f} MB resident")
        finally:
            await asyncio.to_thread(serving.__exit__, None, None, None)


async def measured(
    discord: DiscordServer,
    rooms: Sequence[Channel],
    model: str,
    pid: int,
    at_once: int,
    rounds: int,
    over: float = 0.0,
) -> None:
    """So many questions at once, or spread `over` some seconds, and as many asked of the stand-in alone."""
    timings: list[Timing] = []
    alone: list[float] = []
    busy = spent = 0.0
    for _ in range(rounds):
        began, used = time.perf_counter(), processor_seconds(pid)
        timings += await asked(discord, rooms, at_once, over)
        busy, spent = busy + time.perf_counter() - began, spent + processor_seconds(pid) - used
        for _ in range(at_once if over else 1):
            alone += await asked_alone(model, 1 if over else at_once)
    print(f"— {at_once} {f'one after another in {over:.0f} s' if over else 'at once'}, {len(timings)} questions")
    show("acknowledged", [timing.acknowledged for timing in timings], at_once)
    show("first words", [timing.first_words for timing in timings], at_once)
    show("embedding and model alone", alone, at_once)
    own = [max(0.0, each - statistics.median(alone)) for each in (timing.first_words for timing in timings)]
    show("own share of the first words", own, at_once)
    show("whole answer", [timing.end for timing in timings], at_once)
    aim = f"  (aim: {MOST_OF_A_CORE:.0%})" if at_once == max(ROUNDS) else ""
    print(f"{'processor of the bot':36}{spent / busy:10.0%} of one core{aim}")


async def asked(discord: DiscordServer, rooms: Sequence[Channel], at_once: int, over: float = 0.0) -> list[Timing]:
    """Uses /ask so often, in as many channels, and waits for all answers."""
    used = []
    for place in range(at_once):
        question = QUESTIONS[place % len(QUESTIONS)]
        used.append((discord.slash("alice", rooms[place], "ask", question=question), time.time()))
        if over:
            await asyncio.sleep(over / at_once)
    await discord.until(lambda: all(whole(command) for command, _ in used), within=WITHIN)
    return [timing(command, began) for command, began in used]


def whole(command: Interaction) -> bool:
    """Whether the answer has its buttons."""
    return bool(command.messages) and bool(command.messages[-1].buttons)


def timing(command: Interaction, began: float) -> Timing:
    """What followed one command, by the clock of the Discord."""
    if command.original is None or command.latency is None:
        raise RuntimeError("a command was not answered")
    shown = [revision.at for revision in command.original.revisions if revision.content]
    return Timing(command.latency * 1000, (shown[0] - began) * 1000, (shown[-1] - began) * 1000)


async def asked_alone(model: str, at_once: int) -> list[float]:
    """Milliseconds to the first token, when nobody but this asks the stand-in."""
    async with aiohttp.ClientSession() as session:
        timings = await asyncio.gather(*(ask_model(session, model, QUESTIONS[0]) for _ in range(at_once)))
    return [first * 1000 for first, _ in timings]


def processor_seconds(pid: int) -> float:
    """What a process has used of all cores so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def show(name: str, milliseconds: Sequence[float], at_once: int) -> None:
    p50, p99 = statistics.median(milliseconds), statistics.quantiles(milliseconds, n=100)[98]
    aims = AIMS.get(name) if at_once == max(ROUNDS) else None
    told = f"  (aims: {aims[0] or '–'} / {aims[1]})" if aims else ""
    print(f"{name:36}{p50:10.1f}{p99:10.1f}{told}")


if __name__ == "__main__":
    main()
