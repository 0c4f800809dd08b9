"""Whoever watches is told how soon Discord was acknowledged, and when Discord asks to wait."""

from core.telemetry import QuestionFinished, StepTimed, TelemetryEvent, Throttled, subscribed
from tests.adapters.discord.acting import Room
from tests.adapters.garden import ASKED
from tests.servers.discord import RateLimited


async def test_an_acknowledgement_a_limit_and_an_outcome_are_told(room: Room) -> None:
    told: list[TelemetryEvent] = []
    with subscribed(told.append):
        room.discord.misbehave("PATCH /webhooks/*", RateLimited(0.2))
        await room.answer(room.command(ASKED))
        await room.settled()
    [acknowledged] = [each for each in told if isinstance(each, StepTimed) and each.step == "acknowledge"]
    assert acknowledged.seconds < 3
    assert told.count(Throttled("discord")) == 1
    [end] = [each for each in told if isinstance(each, QuestionFinished)]
    assert (end.platform, end.outcome) == ("discord", "answered")
