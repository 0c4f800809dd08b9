"""Test one process under load: `python -m benchmarks.load [--questions 1500] [--in-flight 200]`.

`footnoted serve` runs as an ordinary process, with a loopback Slack in this process and a stand-in for OpenAI, which
writes 50 tokens per second, in a third. Of the questions, 70 % are mentions in Slack, 10 % are follow-ups in answered
threads, and 20 % are streamed to the web page; another process reindexes the sources twice. A new question starts when
one has been answered, so the number in flight is constant: half an hour of a busy bot in two minutes.

The exit code is 1 if a question was lost or answered twice, if memory grew by more than 10 %, or if the event loop
lagged by more than 100 ms at the 99th percentile. Memory and lag are measured after the first fifth of the questions.
"""

import argparse
import asyncio
import re
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from benchmarks.chat_platforms import (
    ANSWER,
    QUESTIONS,
    Environment,
    bot_environment,
    cpu_seconds,
    serving,
    variables_of,
)
from benchmarks.processes import measure, resident_mb
from tests.adapters.slack.harness import is_failure, is_whole, read
from tests.servers.slack import Message, SlackServer

MODEL, WEB, METRICS = 8972, 8973, 8974
ANSWER_TIMEOUT = 180.0
"""Seconds for an answer before it counts as lost."""

RAMP = 5.0
"""Seconds over which the first questions arrive; `benchmarks.slack` measures simultaneous ones."""

WARM_UP = 0.2
"""Share of the questions that come before memory and lag are measured."""

MAX_GROWTH = 0.10
MAX_LAG = 0.100
LAG = re.compile(r'footnoted_event_loop_lag_seconds_bucket\{le="([^"]+)"\} ([0-9.e+]+)')


@dataclass
class Traffic:
    """Ask questions and count the outcomes; `whole` counts complete answers by thread."""

    slack: SlackServer
    web: aiohttp.ClientSession
    asked: list[Message] = field(default_factory=list)
    answered: list[Message] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    whole: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    failed: int = 0

    async def ask(self, number: int) -> None:
        """Ask one question, in Slack or on the page, and wait for the answer."""
        text = f"{QUESTIONS[number % len(QUESTIONS)]} ({number})"
        started = time.perf_counter()
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                if number % 10 < 2:
                    await self._ask_page(text)
                else:
                    await self._ask_slack(text, follow_up=number % 10 == 2)
        except TimeoutError:
            self.lost += 1
        self.seconds.append(time.perf_counter() - started)

    async def _ask_slack(self, text: str, follow_up: bool) -> None:
        slack = self.slack
        thread = self.answered.pop() if follow_up and self.answered else None
        said = slack.say(slack.user, slack.channel, f"<@{slack.bot.id}> {text}", thread.ts if thread else None)
        self.asked.append(said)
        root = said.root
        before = self.whole[root]
        while self.whole[root] <= before:
            await asyncio.sleep(0.1)
        if thread is None:
            self.answered.append(said)

    async def _ask_page(self, text: str) -> None:
        headers = {"Accept": "text/event-stream"}
        async with self.web.post("/api/ask", json={"question": text}, headers=headers) as response:
            body = await response.read()
        failed = b"event: failed" in body
        self.failed += failed
        self.lost += not failed and b'"grounded": true' not in body

    async def watch(self) -> None:
        """Count complete answers ten times a second, for all questions that wait."""
        while True:
            self.count()
            await asyncio.sleep(0.1)

    def count(self) -> None:
        said = self.slack.messages(self.slack.channel.id)
        own = (message for message in said if message.user == self.slack.bot.id and is_whole(message))
        answers = (message for message in own if is_failure(message) or ANSWER in read(message))
        self.whole = Counter(str(message.thread_ts) for message in answers)

    def failed_in_slack(self) -> int:
        """Return how many questions in Slack were answered with an error message."""
        return sum(is_failure(message) for message in self.slack.messages(self.slack.channel.id))

    def doubled(self) -> int:
        """Return the number of answers beyond one per question of a thread."""
        self.count()
        questions = Counter(message.root for message in self.asked)
        return sum(max(0, self.whole[root] - count) for root, count in questions.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=1_500, help="questions in total")
    parser.add_argument("--in-flight", type=int, default=200, help="questions at the same time")
    parser.add_argument("--times", type=int, default=10, help="how often an answer repeats its sentence of 20 tokens")
    options = parser.parse_args()
    with bot_environment(MODEL, options.times) as env:
        sys.exit(asyncio.run(load(env, options.questions, options.in_flight)))


async def load(env: Environment, questions: int, in_flight: int) -> int:
    """Start the bot, ask all questions and return the exit code."""
    async with SlackServer() as slack:
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
        more = {"LOG_LEVEL": "error", "METRICS_PORT": str(METRICS)}
        variables = variables_of(env, WEB, SLACK_API_URL=slack.base_url, **tokens, **more)
        unlimited = aiohttp.TCPConnector(limit=0)
        async with (
            serving(env, variables) as pid,
            aiohttp.ClientSession(f"http://127.0.0.1:{WEB}", connector=unlimited) as web,
        ):
            await slack.until(lambda: bool(slack.sockets.open), within=ANSWER_TIMEOUT)
            return await generate_load(Traffic(slack, web), env.folder, variables, pid, questions, in_flight)


async def generate_load(
    traffic: Traffic, folder: Path, env: dict[str, str], pid: int, questions: int, in_flight: int
) -> int:
    """Keep `in_flight` questions open, sample memory, print the figures and return the exit code."""
    memory: list[tuple[int, float]] = []
    started, used = time.perf_counter(), cpu_seconds(pid)
    numbers, warmed_up = iter(range(questions)), Counter[float]()

    async def keep_asking(slot: int) -> None:
        await asyncio.sleep(RAMP * slot / in_flight)
        for number in numbers:
            await traffic.ask(number)
            memory.append((len(traffic.seconds), resident_mb(pid)))
            if len(traffic.seconds) == int(WARM_UP * questions):
                warmed_up.update(await lag_buckets())
            if number in {questions // 3, 2 * questions // 3}:
                await asyncio.to_thread(measure, ["bot", "reindex", "--force"], folder, env)

    watcher = asyncio.create_task(traffic.watch())
    async with asyncio.TaskGroup() as tasks:
        for slot in range(in_flight):
            tasks.create_task(keep_asking(slot))
    watcher.cancel()
    elapsed = time.perf_counter() - started
    share = (cpu_seconds(pid) - used) / elapsed
    warm = [mb for count, mb in memory if WARM_UP * questions <= count <= 2 * WARM_UP * questions]
    last = [mb for count, mb in memory if count >= (1 - WARM_UP) * questions]
    growth = statistics.mean(last) / statistics.mean(warm) - 1
    since = await lag_buckets()
    since.subtract(warmed_up)
    lag, doubled = quantile(since, 0.99), traffic.doubled()
    print(f"{questions} questions, {in_flight} in flight, in {elapsed:.0f} s ({questions / elapsed:.1f} a second)")
    print(f"lost {traffic.lost}, doubled {doubled}, failed {traffic.failed + traffic.failed_in_slack()}")
    print(f"whole answer p50 {statistics.median(traffic.seconds):.1f} s, longest {max(traffic.seconds):.1f} s")
    print(f"memory {statistics.mean(warm):.0f} MB, at the end {statistics.mean(last):.0f} MB ({growth:+.1%})")
    print(f"event loop lag p50 {quantile(since, 0.5) * 1000:.0f} ms, p99 {lag * 1000:.0f} ms; {share:.0%} of a core")
    return int(bool(traffic.lost or doubled) or growth > MAX_GROWTH or lag > MAX_LAG)


async def lag_buckets() -> Counter[float]:
    """Return how often the bot's event loop lagged by at most each number of seconds."""
    async with aiohttp.ClientSession() as web, web.get(f"http://127.0.0.1:{METRICS}/metrics") as response:
        return Counter({float(le): int(float(count)) for le, count in LAG.findall(await response.text())})


def quantile(counts: Counter[float], share: float) -> float:
    """Return the upper bound, in seconds, of the bucket that holds a quantile."""
    return next(le for le in sorted(counts) if counts[le] >= share * max(counts.values()))


if __name__ == "__main__":
    main()
