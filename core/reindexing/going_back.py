"""One step back: to what was answered from before the last run that changed something."""

from time import perf_counter

from redis.asyncio import Redis

from core.errors import NothingBefore
from core.knowledge.edition import Edition, Record, current
from core.knowledge.publishing import roll_back
from core.knowledge.replacing import can_take_back, take_back
from core.reindexing.progress import Diff, Headline, Progress, Report


async def go_back(redis: Redis) -> Report:
    """Its diff says what changes by it. Raises NothingBefore."""
    began = perf_counter()
    live = await current(redis)
    if live is None:
        raise NothingBefore
    if await can_take_back(redis, live):
        replaced = await take_back(redis, live)
        seconds = perf_counter() - began
        was = {url: post.after for url, post in replaced.items() if post.after}
        now = {url: post.before for url, post in replaced.items() if post.before}
        return await _report(live, seconds, was, now)
    before = await roll_back(redis)
    seconds = perf_counter() - began
    return await _report(before, seconds, await live.ledger(), await before.ledger())


async def _report(edition: Edition, seconds: float, was: dict[str, Record], now: dict[str, Record]) -> Report:
    diff = Diff(
        new=_headlines({url: record for url, record in now.items() if url not in was}),
        changed=_headlines(
            {url: record for url, record in now.items() if url in was and was[url].text_digest != record.text_digest}
        ),
        removed=_headlines({url: record for url, record in was.items() if url not in now}),
    )
    progress = Progress(listing=False, new=len(diff.new), changed=len(diff.changed), removed=len(diff.removed))
    return Report(progress, seconds, outcome="rolled back", diff=diff, posts=await edition.posts())


def _headlines(records: dict[str, Record]) -> tuple[Headline, ...]:
    return tuple(Headline(record.title, url) for url, record in records.items())
