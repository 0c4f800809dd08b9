"""Names are looked up once; the id is shown while the platform does not return a name."""

from core.chat.name_cache import NameCache
from core.chat.platform_errors import UnreachableError


class Directory:
    """Names that count how often they are looked up; `down` while the platform is unreachable."""

    def __init__(self) -> None:
        self.looked_up: list[str] = []
        self.down = False

    async def name(self, id_: str) -> str:
        self.looked_up.append(id_)
        if self.down:
            raise UnreachableError("no connection")
        return f"Name of {id_}"


async def test_a_name_is_looked_up_once() -> None:
    directory, cache = Directory(), NameCache()
    assert [await cache.get("U1", directory.name) for _ in range(3)] == ["Name of U1"] * 3
    assert directory.looked_up == ["U1"]


async def test_an_unknown_name_is_shown_as_its_id_and_looked_up_again() -> None:
    directory, cache = Directory(), NameCache()
    directory.down = True
    assert await cache.get("U1", directory.name) == "U1"
    directory.down = False
    assert await cache.get("U1", directory.name) == "Name of U1"


async def test_the_least_recently_used_name_is_evicted() -> None:
    directory, cache = Directory(), NameCache(max_names=2)
    for id_ in ("U1", "U2", "U1", "U3", "U1", "U2"):
        await cache.get(id_, directory.name)
    assert directory.looked_up == ["U1", "U2", "U3", "U2"]
