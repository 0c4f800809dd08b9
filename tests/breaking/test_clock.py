"""The system clock jumps by hours and back: each question still gets one answer, and no limit stops counting."""

from pathlib import Path

from tests.bot.running import REPOSITORY
from tests.breaking.own_redis import own_redis
from tests.breaking.scene import scene

SITE = Path(__file__).parent / "site"
HOUR = 3_600


async def test_clock_jumps_do_not_affect_answers(tmp_path: Path) -> None:
    offset = tmp_path / "clock"
    offset.write_text("0")
    settings = {"PYTHONPATH": f"{SITE}:{REPOSITORY}", "CLOCK_FILE": str(offset)}
    async with own_redis(tmp_path) as redis, scene(tmp_path / "home", redis.url, None, **settings) as here:
        for jump in (0, 26 * HOUR, -26 * HOUR, 0):
            offset.write_text(str(jump))
            asked = here.ask()
            assert "[1]" in await here.reply(asked)
            assert await here.is_answered()
            assert len(here.replies(asked)) == 1
        assert '"level": "error"' not in here.bot.said()
