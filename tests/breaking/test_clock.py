"""The clock of the bot's machine jumps, by hours and back: each question has one answer, and limits go on counting."""

from pathlib import Path

from tests.bot.running import REPOSITORY
from tests.breaking.own_redis import own_redis
from tests.breaking.scene import scene

CLOCK = Path(__file__).parent / "clock"
HOUR = 3_600


async def test_a_clock_that_jumps_is_not_noticed(tmp_path: Path) -> None:
    says = tmp_path / "clock"
    says.write_text("0")
    settings = {"PYTHONPATH": f"{CLOCK}:{REPOSITORY}", "CLOCK_FILE": str(says)}
    async with own_redis(tmp_path) as redis, scene(tmp_path / "home", redis.url, None, **settings) as here:
        for jump in (0, 26 * HOUR, -26 * HOUR, 0):
            says.write_text(str(jump))
            asked = here.ask()
            assert "[1]" in await here.reply(asked)
            assert await here.is_answered()
            assert len(here.replies(asked)) == 1
        assert '"level": "error"' not in here.bot.said()
