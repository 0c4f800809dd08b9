"""Upgrade of index versions that were written before passages were analysed, in place and without embedding anything.

The search index gets the new fields beside the old ones, and each passage its terms and language. Processes of an older
release go on answering from the same index meanwhile.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from core.domain import Passage
from core.index.schema import ANALYSIS, HASH_FIELDS, UNKNOWN_LANGUAGE, Fields, analyzed, from_hash
from core.index.version import IndexVersion, LiveIndex, batched, read_metadata
from core.language.detection import post_language
from core.storage import keys

log = structlog.get_logger()

BATCH_SIZE = 50
"""Posts that are analysed in one go."""


async def needs_upgrade(redis: Redis, live: LiveIndex) -> bool:
    """Return whether some passages are not analysed. A process of an older release may still add such passages."""
    if live.metadata.get("analysis") != ANALYSIS:
        return True
    if not live.languages:
        return live.passages > 0
    analyzed_ones = f"@language:{{{'|'.join(language or UNKNOWN_LANGUAGE for language in live.languages)}}}"
    [count] = await redis.execute_command("FT.SEARCH", live.version.index, analyzed_ones, "LIMIT", 0, 0, "DIALECT", 2)
    return int(count) < live.passages


async def upgrade(redis: Redis, version: IndexVersion) -> None:
    """Analyse the passages of a version that have not been by this release, if any."""
    fields = ("terms", "TEXT", "NOSTEM", "language", "TAG")
    try:
        # Writing the fields indexes a passage anyway, so the initial scan would be work done twice.
        await redis.execute_command("FT.ALTER", version.index, "SKIPINITIALSCAN", "SCHEMA", "ADD", *fields)
    except ResponseError as error:
        if "duplicate" not in str(error).lower():
            raise
    is_current = (await read_metadata(redis, version.number)).get("analysis") == ANALYSIS
    posts = {url: record.passages for url, record in (await version.ledger()).items()}
    for batch in batched(list(posts.items()), BATCH_SIZE):
        await _analyze(redis, version, dict(batch), missing_only=is_current)
    await version.set_metadata({"analysis": ANALYSIS})
    log.info("index upgraded", version=version.number, posts=len(posts))


async def _analyze(redis: Redis, version: IndexVersion, posts: Mapping[str, int], *, missing_only: bool) -> None:
    """Analyse posts, given the number of passages of each, and what they replaced in the last change in place."""
    names = [
        key(version.number, url, position)
        for url, count in posts.items()
        for position in range(count)
        for key in (keys.passage, keys.replaced_passage)
    ]
    async with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hmget(name, HASH_FIELDS)
        rows = await pipe.execute()
    passages = {name: passage for name, row in zip(names, rows, strict=True) if (passage := from_hash(row))}
    analysed = await asyncio.to_thread(_fields, list(passages.values()))
    async with redis.pipeline(transaction=False) as pipe:
        for name, fields in zip(passages, analysed, strict=True):
            pipe.hset(name, mapping=fields)
        await pipe.execute()


def _fields(passages: Sequence[Passage]) -> list[Fields]:
    texts: dict[str, str] = {}
    for passage in passages:
        texts[passage.url] = f"{texts.get(passage.url, passage.title)}\n{passage.text}"
    languages = {url: post_language(text, "") for url, text in texts.items()}
    return [analyzed(replace(passage, language=languages[passage.url])) for passage in passages]
