"""One step back: to what was answered from before the last run that changed something."""

from time import perf_counter

from redis.asyncio import Redis

from core.errors import NoPreviousVersionError
from core.index.in_place import can_undo, undo
from core.index.publication import roll_back
from core.index.version import IndexVersion, PostRecord, live_version
from core.indexing.progress import Diff, PostTitle, Progress, Report


async def roll_back_run(redis: Redis) -> Report:
    """Its diff says what changes by it. Raises NoPreviousVersionError."""
    began = perf_counter()
    live = await live_version(redis)
    if live is None:
        raise NoPreviousVersionError
    if await can_undo(redis, live):
        replaced = await undo(redis, live)
        seconds = perf_counter() - began
        was = {url: post.after for url, post in replaced.items() if post.after}
        now = {url: post.before for url, post in replaced.items() if post.before}
        return await _report(live, seconds, was, now)
    before = await roll_back(redis)
    seconds = perf_counter() - began
    return await _report(before, seconds, await live.ledger(), await before.ledger())


async def _report(
    edition: IndexVersion, seconds: float, was: dict[str, PostRecord], now: dict[str, PostRecord]
) -> Report:
    diff = Diff(
        new=_headlines({url: record for url, record in now.items() if url not in was}),
        changed=_headlines(
            {url: record for url, record in now.items() if url in was and was[url].text_digest != record.text_digest}
        ),
        removed=_headlines({url: record for url, record in was.items() if url not in now}),
    )
    progress = Progress(listing=False, new=len(diff.new), changed=len(diff.changed), removed=len(diff.removed))
    return Report(progress, seconds, outcome="rolled back", diff=diff, posts=await edition.post_count())


def _headlines(records: dict[str, PostRecord]) -> tuple[PostTitle, ...]:
    return tuple(PostTitle(record.title, url) for url, record in records.items())
