"""Parse posts into passages, in threads or in processes: a page costs up to 50 ms of CPU time."""

import asyncio
import faulthandler
import hashlib
import multiprocessing
import os
import signal
import threading
import traceback
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Self

import structlog

from core.domain import Passage, Post, Source
from core.errors import SourceReadError
from core.ingestion.chunker import chunk
from core.ingestion.entries import DOCUMENTS, Entry
from core.ingestion.fetch_result import Fetched
from core.ingestion.sources import parse_post

log = structlog.get_logger()

READING_VERSION = "3"
"""Part of every digest. Raise it when extraction or chunking change: all posts are read again."""

PROCESSES_FROM = 20
"""Posts of a run that are parsed in threads before processes are started, which takes them a second."""

MAX_PROCESSES = 4
"""Each takes some 80 MB."""

MAX_SECONDS = 60
"""For one post, in a process."""

MAX_MEMORY = 2 * 1024 * 1024 * 1024
"""Bytes that a process may take for posts."""

_ISOLATED = DOCUMENTS | {"rst"}
"""Formats that are parsed in processes however few posts there are: their parsers may crash, or have global state."""


@dataclass(frozen=True, slots=True)
class RawPost:
    """An entry before parsing, the URL its post will have, and the digest of the text it had before, if any."""

    entry: Entry
    url: str
    page: Fetched | None = None
    text_before: str = ""


@dataclass(frozen=True, slots=True)
class ParseResult:
    """A post as passages; there are none if its text has not changed."""

    title: str
    text_digest: str
    passages: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True)
class ParseFailure:
    """Why a post could not be parsed. `trace` is the traceback of an unexpected error, for the log."""

    reason: str
    trace: str = ""


def parse(raw: RawPost) -> ParseResult | ParseFailure:
    """Extract and chunk a post. Never raises."""
    try:
        post = parse_post(replace(raw.entry, url=raw.url), raw.page)
        text_digest = _text_digest(post)
        if text_digest == raw.text_before:
            return ParseResult(post.title, text_digest)
        # Estimated token counts give the same passages with every model, on every machine, with or without a network.
        passages = chunk(post)
    except SourceReadError as error:
        return ParseFailure(error.reason)
    except Exception as error:  # Boundary: one page must not stop a run.
        return ParseFailure(f"it could not be parsed ({type(error).__name__})", traceback.format_exc())
    return ParseResult(post.title, text_digest, passages) if passages else ParseFailure("it contains no text")


def parser_digest(source: Source) -> str:
    """Digest what affects how posts of a source are parsed, besides their content."""
    return digest(READING_VERSION, source.selector)[:16]


def listing_digest(sources: tuple[Source, ...]) -> str:
    """Digest what affects how listings are read: all sources, as a post on two of them belongs to the first."""
    return digest(READING_VERSION, repr(sources))[:16]


def raw_digest(raw: RawPost) -> str:
    """Digest an unparsed post: equal for equal input."""
    body = b"".join([raw.page.body, *raw.page.further]) if raw.page else raw.entry.body.encode()
    entry = raw.entry
    about = (parser_digest(entry.source), entry.title, entry.source.name, str(entry.published))
    return digest(*about, hashlib.sha256(body).hexdigest())


def digest(*parts: str) -> str:
    """Return the SHA-256 of some texts in their order."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def _text_digest(post: Post) -> str:
    ends = map(str, map(len, post.pages))
    return digest(READING_VERSION, post.title, post.text, post.source, str(post.published), post.author, *ends)


class ParserPool:
    """Parses posts in threads while there are few, in processes when there are many. Use it as a context manager."""

    def __init__(self, processes: int | None = None) -> None:
        self._processes = min(MAX_PROCESSES, os.cpu_count() or 1) if processes is None else processes
        self._pool: ProcessPoolExecutor | None = None
        self._opening = asyncio.Lock()
        self._parsed = 0
        # The GIL lets one thread parse at a time: more of them only get in each other's way.
        self._threads = asyncio.Semaphore(2)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._pool:
            await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    async def parse(self, raw: RawPost) -> ParseResult | ParseFailure:
        """Parse a post; one that crashes its process is a ParseFailure."""
        self._parsed += 1
        in_thread = self._parsed <= PROCESSES_FROM and raw.entry.format not in _ISOLATED
        if in_thread or not self._processes:
            async with self._threads:
                return await asyncio.to_thread(parse, raw)
        for _ in range(2):
            try:
                return await self._parse_in_process(raw)
            except BrokenProcessPool:
                # Another post may have crashed it, so every post in the pool is tried once more.
                continue
        log.error("post crashed parser process", address=raw.url)
        return ParseFailure(f"it crashed the parser or took it more than {MAX_SECONDS} seconds")

    async def _parse_in_process(self, raw: RawPost) -> ParseResult | ParseFailure:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncio.to_thread(self._open)
        pool = self._pool
        try:
            # Submitting may start a process, which blocks.
            future = await asyncio.to_thread(pool.submit, parse_within, raw, MAX_SECONDS)
            return await asyncio.wrap_future(future)
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = None
            raise

    def _open(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._processes, _process_context(), initializer=_prepare_process)


def _process_context() -> BaseContext:
    """Fork from a server that has the parsers imported already, where the system can do that."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([parse.__module__])
    return context


def parse_within(raw: RawPost, seconds: float) -> ParseResult | ParseFailure:
    """Parse a post; end this process if it takes longer, even within a parser in C."""
    with Path(os.devnull).open("w") as nowhere:
        faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        try:
            return parse(raw)
        finally:
            faulthandler.cancel_dump_traceback_later()


def _prepare_process() -> None:
    """Exit when the parent dies, as a killed parent cannot end its children; leave Ctrl-C to the parent."""
    _limit_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _limit_memory() -> None:
    """Let a document that takes all memory end this process alone, where the system can do that."""
    try:
        import resource

        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (used + MAX_MEMORY, hard))
    except (ImportError, OSError, ValueError):  # not Linux, or less is allowed already
        return


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        wait([parent.sentinel])
        os._exit(1)
