"""Measure the time to the first event and to the end of an answer.

Run `python -m benchmarks.questions POSTS.jsonl QUESTIONS.jsonl`.

`footnoted serve` runs as an ordinary process against a stand-in for OpenAI on loopback. The same run asks the stand-in
directly for the same embedding and answer; the difference is the bot's own overhead. It fails if an answer has no
footnote, since a refusal takes a fraction of the time.
"""

import argparse
import asyncio
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import aiohttp

from benchmarks.processes import environment, measure, resident_mb, running
from bot.embedded_redis import embedded_redis
from bot.evaluation.examples import read_examples

BLOG, MODEL, WEB = 8941, 8942, 8943
ROUNDS = 200
AT_ONCE = 32
KEY = {"Authorization": "Bearer sk-benchmark"}

Timings = tuple[float, float]
"""Seconds to the first event, and to the end."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("posts", type=Path, help="JSON Lines file with the keys slug, title, date and html")
    parser.add_argument("questions", type=Path, help="JSON Lines file with the key question")
    options = parser.parse_args()
    examples = read_examples(options.questions)
    questions = [example.question for example in examples if example.kind == "answerable"]
    posts = str(options.posts.resolve())
    feed = f"http://127.0.0.1:{BLOG}/feed/"
    model = f"http://127.0.0.1:{MODEL}/v1"
    with (
        tempfile.TemporaryDirectory() as name,
        running(["tests.servers.blog", posts, "--port", str(BLOG)], Path(name), environment(), feed),
        running(["tests.servers.openai", "--port", str(MODEL)], Path(name), environment(), f"{model}/models"),
        embedded_redis(Path(name) / "redis") as url,
    ):
        env = environment(
            REDIS_URL=url,
            FEEDS=feed,
            OPENAI_API_KEY="sk-benchmark",
            OPENAI_BASE_URL=model,
            WEB_PORT=str(WEB),
            WEB_QUESTIONS_PER_MINUTE="1000000",
            MIN_SCORE="0",  # so that no question is refused
        )
        measure(["bot", "reindex"], Path(name), env)
        with running(["bot", "serve"], Path(name), env, f"http://127.0.0.1:{WEB}/healthz") as (pid, ready):
            print(f"start to ready {ready:.2f} s, {resident_mb(pid):.0f} MB resident")
            asyncio.run(compare(questions, model))
            print(f"after all questions {resident_mb(pid):.0f} MB resident")


async def compare(questions: Sequence[str], model: str) -> None:
    """Alternate between the bot and the stand-in, so that both run under the same load."""
    async with aiohttp.ClientSession() as session:

        async def ask(question: str) -> Timings:
            return await ask_bot(session, question)

        async def ask_directly(question: str) -> Timings:
            return await ask_model(session, model, question)

        await ask_all(ask, questions[:20], 1)
        print(f"{'milliseconds':34}{'first p50':>10}{'first p99':>10}{'end p50':>10}{'end p99':>10}")
        for at_once in (1, AT_ONCE):
            asked = list(itertools.islice(itertools.cycle(questions), ROUNDS))
            own = await ask_all(ask_directly, asked, at_once)
            whole = await ask_all(ask, asked, at_once)
            show(f"stand-in asked directly, {at_once} at once", own)
            show(f"footnoted, {at_once} at once", whole)
            share = (statistics.median(t[1] for t in whole) - statistics.median(t[1] for t in own)) * 1000
            print(f"{'the bot’s own overhead, p50':34}{share:30.1f}")


async def ask_all(ask: Callable[[str], Awaitable[Timings]], questions: Sequence[str], at_once: int) -> list[Timings]:
    """Ask all questions, `at_once` at a time."""
    waiting = iter(questions)
    timings: list[Timings] = []

    async def work() -> None:
        timings.extend([await ask(question) for question in waiting])

    async with asyncio.TaskGroup() as tasks:
        for _ in range(at_once):
            tasks.create_task(work())
    return timings


async def ask_bot(session: aiohttp.ClientSession, question: str) -> Timings:
    started = time.perf_counter()
    address = f"http://127.0.0.1:{WEB}/api/ask"
    async with session.post(address, json={"question": question}, headers={"Accept": "text/event-stream"}) as response:
        timings, body = await _timings(response, started)
    _, _, answer = body.partition(b"event: answered\ndata: ")
    if not answer or not json.loads(answer.split(b"\n")[0])["grounded"]:
        raise RuntimeError(f"“{question}” was not answered: {answer[:1500].decode(errors='replace')}")
    return timings


async def ask_model(session: aiohttp.ClientSession, model: str, question: str) -> Timings:
    started = time.perf_counter()
    embedding = {"model": "text-embedding-3-small", "input": [question]}
    async with session.post(f"{model}/embeddings", json=embedding, headers=KEY) as response:
        await response.read()
    chat = {"model": "gpt-5.4-mini", "stream": True, "messages": [{"role": "user", "content": question}]}
    async with session.post(f"{model}/chat/completions", json=chat, headers=KEY) as response:
        timings, _ = await _timings(response, started)
    return timings


async def _timings(response: aiohttp.ClientResponse, started: float) -> tuple[Timings, bytes]:
    response.raise_for_status()
    first, pieces = 0.0, []
    async for piece in response.content.iter_any():
        first = first or time.perf_counter() - started
        pieces.append(piece)
    return (first, time.perf_counter() - started), b"".join(pieces)


def show(name: str, timings: Sequence[Timings]) -> None:
    figures = []
    for column in zip(*timings, strict=True):
        cut = statistics.quantiles(column, n=100)
        figures += [statistics.median(column) * 1000, cut[98] * 1000]
    print(f"{name:34}" + "".join(f"{figure:10.1f}" for figure in figures))


if __name__ == "__main__":
    main()
