"""Who listens is told everything, and cannot disturb what they listen to."""

import pytest
from structlog.testing import capture_logs

from core.telemetry import (
    LoopLagged,
    QuestionContext,
    StepTimed,
    TelemetryEvent,
    Throttled,
    emit,
    question_context,
    subscribed,
    timed,
)


def test_listeners_are_told_while_they_listen() -> None:
    heard: list[TelemetryEvent] = []
    emit(Throttled("slack"))
    with subscribed(heard.append):
        emit(Throttled("discord"))
    emit(Throttled("chat"))
    assert heard == [Throttled("discord")]


def test_a_listener_that_fails_disturbs_nobody() -> None:
    heard: list[TelemetryEvent] = []

    def broken(observation: TelemetryEvent) -> None:
        raise ValueError(f"no room for {observation}")

    with subscribed(broken, heard.append), capture_logs() as logged:
        emit(LoopLagged(1.0))
    assert heard == [LoopLagged(1.0)]
    assert logged == [
        {"event": "telemetry listener failed", "event_type": "LoopLagged", "exc_info": True, "log_level": "error"}
    ]


def test_a_step_belongs_to_the_question_that_is_being_answered() -> None:
    heard: list[TelemetryEvent] = []
    token = question_context.set(QuestionContext("q1", "Why?"))
    with subscribed(heard.append), timed("embed"):
        pass
    question_context.reset(token)
    with subscribed(heard.append), timed("retrieve"):
        pass
    assert [(each.step, each.question_id) for each in heard if isinstance(each, StepTimed)] == [
        ("embed", "q1"),
        ("retrieve", ""),
    ]


def test_a_step_that_fails_tells_no_time() -> None:
    heard: list[TelemetryEvent] = []
    with subscribed(heard.append), pytest.raises(ValueError, match="no"), timed("embed"):
        raise ValueError("no")
    assert heard == []
