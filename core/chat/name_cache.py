"""Display names of a platform's users and channels, each looked up once."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable

import structlog

from core.chat.platform_errors import PlatformError

log = structlog.get_logger()

MAX_NAMES = 5_000


class NameCache:
    """A cache that evicts the least recently used names."""

    def __init__(self, max_names: int = MAX_NAMES) -> None:
        self._max_names = max_names
        self._names: OrderedDict[str, str] = OrderedDict()

    async def get(self, id_: str, look_up: Callable[[str], Awaitable[str]]) -> str:
        """Return the name for an id, or the id itself while the platform does not tell the name."""
        if id_ not in self._names:
            try:
                self._names[id_] = await look_up(id_)
            except PlatformError as error:
                log.info("name lookup failed", id=id_, cause=str(error))
                return id_
            while len(self._names) > self._max_names:
                self._names.popitem(last=False)
        self._names.move_to_end(id_)
        return self._names[id_]
