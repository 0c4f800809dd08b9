"""How often something was done in the running minute, counted in Redis and so by all processes together."""

from datetime import timedelta

from redis.asyncio import Redis

WINDOW = timedelta(minutes=1)


class Quota:
    """Counts uses of a key; the minute begins with the first use."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def wait(self, key: str, most: int) -> timedelta:
        """Counts one use. How long to wait when that was more than `most`, else zero."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.incr(key)
            pipe.pexpire(key, WINDOW, nx=True)
            pipe.pttl(key)
            used, _, left = await pipe.execute()
        return timedelta(milliseconds=left) if used > most else timedelta()
