"""Rate limits per minute, counted in Redis for all processes together."""

from datetime import timedelta

import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from core.storage.connection import rejects_writes

log = structlog.get_logger()

WINDOW = timedelta(minutes=1)


class RateLimiter:
    """Fixed windows, each starting with its first hit."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def hit(self, key: str, limit: int) -> timedelta:
        """Count one use of `key`; return the time until the window ends if it is over `limit`, else zero.

        A Redis that rejects writes counts nothing, and everything is allowed: answers need only reads.
        """
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.incr(key)
                pipe.pexpire(key, WINDOW, nx=True)
                pipe.pttl(key)
                used, _, left = await pipe.execute()
        except ResponseError as error:
            if not rejects_writes(error):
                raise
            log.warning("rate limiting suspended", cause=str(error))
            return timedelta()
        return timedelta(milliseconds=left) if used > limit else timedelta()
