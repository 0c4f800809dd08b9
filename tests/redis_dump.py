"""Everything that Redis stores, as one text for tests to search."""

from redis.asyncio import Redis

from core.storage.connection import as_text


async def redis_dump(redis: Redis, *but: str) -> str:
    """Return a line for each key with its value, sorted, except keys with one of these prefixes."""
    found = []
    for key in map(as_text, await redis.keys("*")):
        if key.startswith(but):
            continue
        match await redis.type(key):
            case b"string":
                value: object = await redis.get(key)
            case b"list":
                value = await redis.lrange(key, 0, -1)
            case b"hash":
                value = await redis.hgetall(key)
            case b"set":
                value = await redis.smembers(key)
            case b"stream":
                value = await redis.xrange(key)
            case _:
                value = await redis.zrange(key, 0, -1)
        found.append(f"{key} {value!r}")
    return "\n".join(sorted(found))
