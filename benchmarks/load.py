"""Two hundred questions in flight in one process: `python -m benchmarks.load [--questions 1500] [--in-flight 200]`.

`footnoted serve` runs as an ordinary process between a loopback Slack in this one and a stand-in for OpenAI in a third,
which writes 50 tokens a second. Of the questions, seven in ten are mentions in Slack, one in ten goes on in a thread
that was answered, and two in ten are streamed to the page; twice the sources are read again by another process. So many
questions are kept in flight, and the next comes when one is answered: half an hour of a busy bot in two minutes.

It ends with 1 when a question was lost or answered twice, when memory grew by more than a tenth, or when the event loop
was late by more than 100 ms at the 99th percentile; both are measured behind the first fifth of the questions.
"""

import argparse
import asyncio
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from benchmarks.chats import QUESTIONS, processor_seconds
from benchmarks.processes import environment, measure, resident_mb, running
from bot.embedded_redis import embedded_redis
from tests.adapters.slack.harness import is_failure, is_whole
from tests.servers.slack import Message, SlackServer

MODEL, WEB, METRICS = 8972, 8973, 8974
TOKENS_A_SECOND = "50"
WITHIN = 180.0
"""Seconds for an answer before it counts as lost."""

RAMP = 5.0
"""Seconds over which the first questions come; all in one moment is what `benchmarks.slack` measures."""

WARM_UP = 0.2
MOST_GROWTH = 0.10
MOST_LAG = 0.100
LAG = re.compile(r'footnoted_event_loop_lag_seconds_bucket\{le="([^"]+)"\} ([0-9.e+]+)')


@dataclass
class Traffic:
    """What was asked, and what came of it."""

    slack: SlackServer
    web: aiohttp.ClientSession
    asked: list[Message] = field(default_factory=list)
    answered: list[Message] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    whole: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    failed: int = 0

    async def one(self, number: int) -> None:
        """Asks one question in one of the ways, and waits for its end."""
        text = f"{QUESTIONS[number % len(QUESTIONS)]} ({number})"
        began = time.perf_counter()
        try:
            async with asyncio.timeout(WITHIN):
                if number % 10 < 2:
                    await self._on_the_page(text)
                else:
                    await self._in_slack(text, goes_on=number % 10 == 2)
        except TimeoutError:
            self.lost += 1
        self.seconds.append(time.perf_counter() - began)

    async def _in_slack(self, text: str, goes_on: bool) -> None:
        slack = self.slack
        thread = self.answered.pop() if goes_on and self.answered else None
        said = slack.say(slack.user, slack.channel, f"<@{slack.bot.id}> {text}", thread.ts if thread else None)
        self.asked.append(said)
        root = said.root
        before = self.whole[root]
        while self.whole[root] <= before:
            await asyncio.sleep(0.1)
        if thread is None:
            self.answered.append(said)

    async def _on_the_page(self, text: str) -> None:
        headers = {"Accept": "text/event-stream"}
        async with self.web.post("/api/ask", json={"question": text}, headers=headers) as response:
            events = re.findall(rb"^event: (\w+)", await response.read(), re.MULTILINE)
        self.failed += events[-1:] == [b"failed"]
        self.lost += events[-1:] != [b"answered"] and events[-1:] != [b"failed"]

    async def watch(self) -> None:
        """Counts whole answers by the thread in which they stand; one pass for all that wait."""
        while True:
            self.count()
            await asyncio.sleep(0.1)

    def count(self) -> None:
        said = self.slack.messages(self.slack.channel.id)
        own = (message for message in said if message.user == self.slack.bot.id and is_whole(message))
        self.whole = Counter(str(message.thread_ts) for message in own)

    def told(self) -> int:
        """Questions in Slack that came to a sentence instead of an answer."""
        return sum(is_failure(message) for message in self.slack.messages(self.slack.channel.id))

    def doubled(self) -> int:
        """Answers beyond one for each question of a thread."""
        self.count()
        questions = Counter(message.root for message in self.asked)
        return sum(max(0, self.whole[root] - count) for root, count in questions.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=1_500)
    parser.add_argument("--in-flight", type=int, default=200)
    parser.add_argument("--times", type=int, default=10, help="how often an answer says its sentence of 20 tokens")
    options = parser.parse_args()
    model = f"http://127.0.0.1:{MODEL}/v1"
    stand_in = ["tests.servers.openai", "--port", str(MODEL), "--tokens-per-second", TOKENS_A_SECOND]
    stand_in += ["--times", str(options.times)]
    with (
        tempfile.TemporaryDirectory() as name,
        running(stand_in, Path(name), environment(), f"{model}/models"),
        embedded_redis(Path(name) / "redis") as url,
    ):
        sys.exit(asyncio.run(load(Path(name), model, url, options.questions, options.in_flight)))


async def load(folder: Path, model: str, redis_url: str, questions: int, in_flight: int) -> int:
    """The exit code."""
    async with SlackServer() as slack:
        env = environment(
            REDIS_URL=redis_url, OPENAI_API_KEY="sk-benchmark", OPENAI_BASE_URL=model, LOG_LEVEL="error",
            WEB_PORT=str(WEB), METRICS_PORT=str(METRICS), SLACK_BOT_TOKEN=slack.bot_token,
            SLACK_APP_TOKEN=slack.app_token, SLACK_API_URL=slack.base_url, QUESTIONS_PER_MINUTE="1000000",
            CHANNEL_QUESTIONS_PER_MINUTE="1000000", WEB_QUESTIONS_PER_MINUTE="1000000",
        )  # fmt: skip
        await asyncio.to_thread(measure, ["bot", "reindex"], folder, env)
        serving = running(["bot", "serve"], folder, env, f"http://127.0.0.1:{WEB}/healthz")
        pid, _ = await asyncio.to_thread(serving.__enter__)
        try:
            await slack.until(lambda: bool(slack.sockets.open), within=WITHIN)
            async with aiohttp.ClientSession(f"http://127.0.0.1:{WEB}", connector=aiohttp.TCPConnector(limit=0)) as web:
                return await watched(Traffic(slack, web), folder, env, pid, questions, in_flight)
        finally:
            await asyncio.to_thread(serving.__exit__, None, None, None)


async def watched(traffic: Traffic, folder: Path, env: dict[str, str], pid: int, questions: int, in_flight: int) -> int:
    """Keeps so many in flight, watches memory meanwhile, and prints the figures."""
    memory: list[tuple[int, float]] = []
    began, used = time.perf_counter(), processor_seconds(pid)
    numbers, warmed_up = iter(range(questions)), Counter[float]()

    async def keep_asking(place: int) -> None:
        await asyncio.sleep(RAMP * place / in_flight)
        for number in numbers:
            await traffic.one(number)
            memory.append((len(traffic.seconds), resident_mb(pid)))
            if len(traffic.seconds) == int(WARM_UP * questions):
                warmed_up.update(await buckets())
            if number in {questions // 3, 2 * questions // 3}:
                await asyncio.to_thread(measure, ["bot", "reindex", "--force"], folder, env)

    watching = asyncio.create_task(traffic.watch())
    async with asyncio.TaskGroup() as tasks:
        for place in range(in_flight):
            tasks.create_task(keep_asking(place))
    watching.cancel()
    took = time.perf_counter() - began
    share = (processor_seconds(pid) - used) / took
    warm = [mb for count, mb in memory if WARM_UP * questions <= count <= 2 * WARM_UP * questions]
    last = [mb for count, mb in memory if count >= (1 - WARM_UP) * questions]
    growth = statistics.mean(last) / statistics.mean(warm) - 1
    since = await buckets()
    since.subtract(warmed_up)
    late, doubled = quantile(since, 0.99), traffic.doubled()
    print(f"{questions} questions, {in_flight} in flight, in {took:.0f} s ({questions / took:.1f} a second)")
    print(f"lost {traffic.lost}, doubled {doubled}, told that it failed {traffic.failed + traffic.told()}")
    print(f"an answer took p50 {statistics.median(traffic.seconds):.1f} s, longest {max(traffic.seconds):.1f} s")
    print(f"memory {statistics.mean(warm):.0f} MB, at the end {statistics.mean(last):.0f} MB ({growth:+.1%})")
    print(f"event loop late p50 {quantile(since, 0.5) * 1000:.0f} ms, p99 {late * 1000:.0f} ms; {share:.0%} of a core")
    return int(bool(traffic.lost or doubled) or growth > MOST_GROWTH or late > MOST_LAG)


async def buckets() -> Counter[float]:
    """How often the bot's event loop was late by at most so many seconds."""
    async with aiohttp.ClientSession() as web, web.get(f"http://127.0.0.1:{METRICS}/metrics") as response:
        return Counter({float(le): int(float(count)) for le, count in LAG.findall(await response.text())})


def quantile(counts: Counter[float], share: float) -> float:
    """The upper end, in seconds, of the bucket in which a quantile lies."""
    return next(le for le in sorted(counts) if counts[le] >= share * max(counts.values()))


if __name__ == "__main__":
    main()
