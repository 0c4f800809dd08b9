"""What the holder of the lease tells all other processes: how far it is. And what they tell it: that it should stop."""

from datetime import timedelta

from pydantic import TypeAdapter
from redis.asyncio import Redis

from core.indexing.run_events import ReindexRun, RunPlanned, RunProgressed
from core.storage import keys

STOP_WITHIN = timedelta(minutes=5)
"""A wish to stop is forgotten after this long, when nobody was there to hear it."""

_run = TypeAdapter(ReindexRun)
_planned = TypeAdapter(RunPlanned)
_progressed = TypeAdapter(RunProgressed)


def as_holder(run: ReindexRun) -> str:
    """A run as the name under which it holds the lease."""
    return _run.dump_json(run).decode()


def from_holder(name: str) -> ReindexRun:
    """The run that holds the lease; the reverse of `as_holder`."""
    return _run.validate_json(name)


class RunStatusStore:
    """A run's news, in one hash that goes with the run. Only the newest of each kind is kept."""

    def __init__(self, redis: Redis, run: ReindexRun) -> None:
        self._redis = redis
        self._key = keys.run_status(run.id)
        self._stop = keys.cancel_request(run.id)

    async def tell(self, planned: RunPlanned | None, progressed: RunProgressed | None, lasting: timedelta) -> bool:
        """Puts the news up for so long; whether somebody wants the run to stop."""
        async with self._redis.pipeline(transaction=False) as pipe:
            if planned:
                pipe.hset(self._key, "planned", _planned.dump_json(planned))
            if progressed:
                pipe.hset(self._key, "progressed", _progressed.dump_json(progressed))
            pipe.pexpire(self._key, lasting)
            pipe.exists(self._stop)
            return bool((await pipe.execute())[-1])

    async def read(self) -> tuple[RunPlanned | None, RunProgressed | None]:
        """The news, as far as there is any."""
        planned, progressed = await self._redis.hmget(self._key, "planned", "progressed")
        return (
            _planned.validate_json(planned) if planned else None,
            _progressed.validate_json(progressed) if progressed else None,
        )

    async def request_cancel(self) -> None:
        """Heard by the holder with its next heartbeat."""
        await self._redis.set(self._stop, "", px=STOP_WITHIN)
