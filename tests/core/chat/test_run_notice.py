"""A run notice shows a run from its start to its end, whatever the platform does meanwhile."""

import pytest
from redis.asyncio import Redis

from core.chat.platform_errors import UnreachableError
from core.chat.run_notice import RunNotice, cancel_run
from core.chat.texts import NO_RUN
from core.domain import Person
from core.errors import AdminRequiredError, ModelBusyError, NoPreviousVersionError
from core.indexing.options import ReindexOptions
from core.indexing.progress import Plan, Progress, Report
from core.indexing.run_events import Emit, RunPlanned
from tests.core.chat.making import make_services

pytestmark = pytest.mark.usefixtures("logged")
ADMIN, USER = Person("U1", "Ada", admin=True), Person("U2", "Bob")


class Written:
    """What a notice wrote, with the button or without it, and what it told instead; `down` when writing fails."""

    def __init__(self, down: bool = False) -> None:
        self.written: list[tuple[str, bool]] = []
        self.told: list[str] = []
        self._down = down

    async def write(self, text: str, cancellable: bool) -> None:
        self.written.append((text, cancellable))
        if self._down:
            raise UnreachableError("no connection")

    async def tell(self, text: str) -> None:
        self.told.append(text)


async def plan_only(options: ReindexOptions, tell: Emit) -> Report:
    tell(RunPlanned(Plan(new=3, passages=7)))
    return Report(Progress(), 0.1, outcome="planned")


async def fail(options: ReindexOptions, tell: Emit) -> Report:
    raise ModelBusyError


@pytest.mark.parametrize("down", [False, True])
async def test_the_result_of_a_run_is_written_even_if_earlier_writes_fail(redis: Redis, down: bool) -> None:
    shown = Written(down)
    await RunNotice(shown.write).reindex(make_services(redis, work=plan_only), ADMIN, dry_run=True)
    assert shown.written[0] == ("Reading all sources for Ada.", True)
    text, cancellable = shown.written[-1]
    assert "this is what a run would do" in text
    assert "3 new" in text
    assert not cancellable


async def test_an_error_before_the_run_starts_is_shown_to_the_user(redis: Redis) -> None:
    shown = Written()
    await RunNotice(shown.write).reindex(make_services(redis), USER, tell=shown.tell)
    assert shown.written == []
    [told] = shown.told
    assert AdminRequiredError.user_message in told


async def test_an_unknown_source_is_answered_with_the_known_ones(redis: Redis) -> None:
    shown = Written()
    await RunNotice(shown.write).reindex(make_services(redis), ADMIN, source="attic", tell=shown.tell)
    assert shown.written == []
    [told] = shown.told
    assert "There is no source called “attic”. The sources are: blog." in told


async def test_an_error_during_a_run_is_added_to_its_message(redis: Redis) -> None:
    shown = Written()
    await RunNotice(shown.write).reindex(make_services(redis, work=fail), ADMIN, tell=shown.tell)
    assert shown.told == []
    text, cancellable = shown.written[-1]
    assert text.startswith("Reading all sources for Ada.")
    assert ModelBusyError.user_message in text
    assert not cancellable


async def test_a_rollback_without_a_previous_version_says_so(redis: Redis) -> None:
    shown = Written()
    await RunNotice(shown.write).roll_back(make_services(redis), ADMIN)
    [(text, _)] = shown.written
    assert NoPreviousVersionError.user_message in text


async def test_cancelling_without_a_run_says_so(redis: Redis) -> None:
    assert await cancel_run(make_services(redis), ADMIN) == NO_RUN
    with pytest.raises(AdminRequiredError):
        await cancel_run(make_services(redis), USER)
