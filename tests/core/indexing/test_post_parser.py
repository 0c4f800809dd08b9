"""Parser processes: crashes, and the death of their parent."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from core.domain import Source
from core.indexing import post_parser
from core.indexing.post_parser import PROCESSES_FROM, ParseFailure, ParseResult, ParserPool, RawPost
from core.ingestion.entries import Entry
from core.ingestion.fetch_result import Fetched
from tests.bot.running import REPOSITORY, WITHIN

SOURCE = Source("blog", "feed", "http://blog.example/feed")

MANY = f"""
import asyncio, sys
from tests.core.indexing.test_post_parser import many

asyncio.run(many({PROCESSES_FROM + 4}))
"""


class Deadly(RawPost):
    """A post that kills the process it reaches, like a segmentation fault in a C parser."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (1,)


class Endless(RawPost):
    """A post that its parser never finishes."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _Sleeping, ()


class _Sleeping:
    @property
    def entry(self) -> Entry:
        time.sleep(WITHIN)
        raise TimeoutError


def post(number: int) -> RawPost:
    url = f"http://blog.example/{number}/"
    html = f"<html><body><article><h1>Post {number}</h1><p>Water tomatoes early in the morning.</p></article></body>"
    return RawPost(Entry(url, f"Post {number}", SOURCE), url, Fetched(url, html.encode(), "text/html", "utf-8"))


async def many(count: int) -> None:
    """Parse until there are parser processes, say so, and wait to be killed."""
    async with ParserPool(processes=2) as parsers:
        await asyncio.gather(*(parsers.parse(post(number)) for number in range(count)))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


async def test_a_post_that_kills_its_process_is_reported_and_the_others_are_parsed() -> None:
    async with ParserPool(processes=2) as parsers:
        early = await asyncio.gather(*(parsers.parse(post(number)) for number in range(PROCESSES_FROM)))
        deadly = Deadly(post(0).entry, "http://blog.example/deadly/")
        *late, dead, last = await asyncio.gather(
            *(parsers.parse(post(number)) for number in range(6)), parsers.parse(deadly), parsers.parse(post(7))
        )
        after = await parsers.parse(post(8))
    assert isinstance(dead, ParseFailure)
    assert dead.reason.startswith("it crashed the parser")
    # Posts in the pool at the time of both crashes fail as well; none is lost silently.
    assert all(isinstance(parsed, ParseResult) and parsed.passages for parsed in (*early, after))
    assert all(isinstance(parsed, ParseResult | ParseFailure) for parsed in (*late, last))


async def test_a_document_is_parsed_in_a_process_that_ends_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post_parser, "MAX_SECONDS", 0.2)
    entry = Entry("https://docs.example/a.pdf", "", SOURCE, format="pdf")
    async with ParserPool(processes=1) as parsers:
        failure = await parsers.parse(Endless(entry, entry.url))
    assert failure == ParseFailure("it crashed the parser or took it more than 0.2 seconds")


def test_parser_processes_exit_when_their_parent_is_killed() -> None:
    killed = subprocess.Popen(
        [sys.executable, "-c", MANY], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    with killed:
        assert killed.stdout
        assert killed.stdout.readline() == "ready\n"
        assert len(session(killed.pid)) >= 3
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait(WITHIN)
    asyncio.run(wait_until_empty(killed.pid))


async def wait_until_empty(number: int) -> None:
    async with asyncio.timeout(WITHIN):
        while session(number):
            await asyncio.sleep(0.05)


def session(number: int) -> list[int]:
    """The processes of a session."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, its_session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:  # ended meanwhile
            continue
        if int(its_session) == number and state != "Z":
            found.append(int(folder.name))
    return found
