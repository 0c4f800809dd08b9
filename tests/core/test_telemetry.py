"""Listeners receive every event, and their failures do no harm."""

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


def test_listeners_receive_events_while_subscribed() -> None:
    received: list[TelemetryEvent] = []
    emit(Throttled("slack"))
    with subscribed(received.append):
        emit(Throttled("discord"))
    emit(Throttled("chat"))
    assert received == [Throttled("discord")]


def test_failing_listener_is_logged_with_its_traceback_and_does_no_harm() -> None:
    received: list[TelemetryEvent] = []

    def broken(event: TelemetryEvent) -> None:
        raise ValueError(f"cannot count {event}")

    with subscribed(broken, received.append), capture_logs() as logged:
        emit(LoopLagged(1.0))
    assert received == [LoopLagged(1.0)]
    assert logged == [
        {"event": "telemetry listener failed", "event_type": "LoopLagged", "exc_info": True, "log_level": "error"}
    ]


def test_step_belongs_to_the_current_question() -> None:
    received: list[TelemetryEvent] = []
    token = question_context.set(QuestionContext("q1", "Why?"))
    with subscribed(received.append), timed("embed"):
        pass
    question_context.reset(token)
    with subscribed(received.append), timed("retrieve"):
        pass
    assert [(each.step, each.question_id) for each in received if isinstance(each, StepTimed)] == [
        ("embed", "q1"),
        ("retrieve", ""),
    ]


def test_failed_step_is_not_timed() -> None:
    received: list[TelemetryEvent] = []
    with subscribed(received.append), pytest.raises(ValueError, match="no"), timed("embed"):
        raise ValueError("no")
    assert received == []
