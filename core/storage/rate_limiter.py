"""How often something was done in the running minute, counted in Redis and so by all processes together."""

from datetime import timedelta

import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from core.storage.connection import takes_no_writes

log = structlog.get_logger()

WINDOW = timedelta(minutes=1)


class RateLimiter:
    """Counts uses of a key; the minute begins with the first use."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def hit(self, key: str, most: int) -> timedelta:
        """Counts one use. How long to wait when that was more than `most`, else zero. A Redis that only lets itself be
        read counts nothing, and nobody waits: what is there can be answered from."""
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.incr(key)
                pipe.pexpire(key, WINDOW, nx=True)
                pipe.pttl(key)
                used, _, left = await pipe.execute()
        except ResponseError as error:
            if not takes_no_writes(error):
                raise
            log.warning("questions are not counted", cause=str(error))
            return timedelta()
        return timedelta(milliseconds=left) if used > most else timedelta()
