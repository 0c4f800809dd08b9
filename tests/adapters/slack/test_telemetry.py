"""Telemetry of Slack: acknowledgement times, throttling and outcomes."""

from collections.abc import Iterator

import pytest

from core.telemetry import QuestionFinished, RequestRetried, StepTimed, TelemetryEvent, Throttled, subscribed
from tests.adapters.slack.harness import Room
from tests.servers.slack import RateLimited


@pytest.fixture
def told() -> Iterator[list[TelemetryEvent]]:
    observations: list[TelemetryEvent] = []
    with subscribed(observations.append):
        yield observations


async def test_acknowledgement_throttling_and_outcome_are_reported(room: Room, told: list[TelemetryEvent]) -> None:
    room.slack.enqueue("chat.stopStream", RateLimited(1))
    await room.answer(room.ask("What do bees eat in winter?"))
    await room.settled()
    acknowledged = [each for each in told if isinstance(each, StepTimed) and each.step == "acknowledge"]
    assert acknowledged
    assert all(each.seconds < 1.5 for each in acknowledged)
    assert told.count(Throttled("slack")) == 1
    assert told.count(RequestRetried("slack")) == 1
    [end] = [each for each in told if isinstance(each, QuestionFinished)]
    assert (end.platform, end.outcome) == ("slack", "answered")
