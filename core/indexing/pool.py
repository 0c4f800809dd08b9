"""Processes that take pages apart: a page costs up to 50 ms of a processor, and Python has one for each process."""

import asyncio
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from typing import Self

import structlog

from core.indexing.parse_task import ParseFailure, ParseResult, RawPost, parse

log = structlog.get_logger()

POOL_FROM = 20
"""Posts of a run that are taken apart in threads before processes are started, which takes them a second."""

MOST_PROCESSES = 4
"""Each takes some 80 MB."""


class ParserPool:
    """Takes posts apart, in threads while there are few, in processes when there are many. To be used in a block."""

    def __init__(self, processes: int | None = None) -> None:
        self._processes = min(MOST_PROCESSES, os.cpu_count() or 1) if processes is None else processes
        self._pool: ProcessPoolExecutor | None = None
        self._opening = asyncio.Lock()
        self._asked = 0
        # Threads take turns anyhow: more of them only get into each other's way.
        self._threads = asyncio.Semaphore(2)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._pool:
            await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    async def parse(self, raw: RawPost) -> ParseResult | ParseFailure:
        """Like `parsing.parse`; a post that ends the process it is taken apart in is Unparsed."""
        self._asked += 1
        if self._asked <= POOL_FROM or not self._processes:
            async with self._threads:
                return await asyncio.to_thread(parse, raw)
        for _ in range(2):
            try:
                return await self._in_process(raw)
            except BrokenProcessPool:
                # It may have been another post that did it: all that were in the pool try once more.
                continue
        log.error("a post ended the process in which it was taken apart", address=raw.url)
        return ParseFailure("it ended the process in which it was taken apart")

    async def _in_process(self, raw: RawPost) -> ParseResult | ParseFailure:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncio.to_thread(self._open)
        pool = self._pool
        try:
            # Handing something to a pool may start a process, which blocks.
            future = await asyncio.to_thread(pool.submit, parse, raw)
            return await asyncio.wrap_future(future)
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = None
            raise

    def _open(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._processes, _context(), initializer=_end_with_parent)


def _context() -> BaseContext:
    """Processes that come from one which has the parsers imported already, where the system can do that."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([parse.__module__])
    return context


def _end_with_parent() -> None:
    """A parent that is killed cannot end its children; and Ctrl-C is for the parent to understand."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_await_parent, daemon=True).start()


def _await_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        wait([parent.sentinel])
        os._exit(1)
