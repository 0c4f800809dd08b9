"""Switch back to the posts as they were before the last change."""

from time import perf_counter

from redis.asyncio import Redis

from core.errors import NoPreviousVersionError
from core.index.in_place import can_undo, undo
from core.index.publication import roll_back
from core.index.version import IndexVersion, PostRecord, live_version
from core.indexing.progress import Diff, PostTitle, Progress, Report


async def roll_back_run(redis: Redis) -> Report:
    """Undo the last change in place, or else switch to the previous index version.

    Return a report with the resulting diff. Raises NoPreviousVersionError.
    """
    began = perf_counter()
    live = await live_version(redis)
    if live is None:
        raise NoPreviousVersionError
    if await can_undo(redis, live):
        replaced = await undo(redis, live)
        seconds = perf_counter() - began
        before = {url: post.after for url, post in replaced.items() if post.after}
        after = {url: post.before for url, post in replaced.items() if post.before}
        return await _report(live, seconds, before, after)
    previous = await roll_back(redis)
    seconds = perf_counter() - began
    return await _report(previous, seconds, await live.ledger(), await previous.ledger())


async def _report(
    version: IndexVersion, seconds: float, before: dict[str, PostRecord], after: dict[str, PostRecord]
) -> Report:
    diff = Diff(
        new=_titles({url: record for url, record in after.items() if url not in before}),
        changed=_titles(
            {
                url: record
                for url, record in after.items()
                if url in before and before[url].text_digest != record.text_digest
            }
        ),
        removed=_titles({url: record for url, record in before.items() if url not in after}),
    )
    progress = Progress(listing=False, new=len(diff.new), changed=len(diff.changed), removed=len(diff.removed))
    return Report(progress, seconds, outcome="rolled back", diff=diff, posts=await version.post_count())


def _titles(records: dict[str, PostRecord]) -> tuple[PostTitle, ...]:
    return tuple(PostTitle(record.title, url, record.source) for url, record in records.items())
