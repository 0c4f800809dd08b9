"""Telemetry of Discord: acknowledgement times, throttling and outcomes."""

from core.telemetry import QuestionFinished, StepTimed, TelemetryEvent, Throttled, subscribed
from tests.adapters.discord.harness import Harness
from tests.adapters.garden import ASKED
from tests.servers.discord import RateLimited


async def test_acknowledgement_throttling_and_outcome_are_reported(harness: Harness) -> None:
    told: list[TelemetryEvent] = []
    with subscribed(told.append):
        harness.discord.inject_fault("PATCH /webhooks/*", RateLimited(0.2))
        await harness.answer(harness.command(ASKED))
        await harness.settled()
    [acknowledged] = [each for each in told if isinstance(each, StepTimed) and each.step == "acknowledge"]
    assert acknowledged.seconds < 3
    assert told.count(Throttled("discord")) == 1
    [end] = [each for each in told if isinstance(each, QuestionFinished)]
    assert (end.platform, end.outcome) == ("discord", "answered")
