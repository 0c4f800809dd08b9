"""All that Redis holds, as one text: what is not in it is nowhere."""

from redis.asyncio import Redis

from core.storage.connection import as_text


async def held(redis: Redis, *but: str) -> str:
    """A line for each key with its value, in the order of their names; but for keys that begin like this."""
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
