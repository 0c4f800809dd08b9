"""Who listens is told everything, and cannot disturb what they listen to."""

import pytest
from structlog.testing import capture_logs

from core.watching import Lagged, Observation, Running, Throttled, Took, listening, running, tell, took


def test_listeners_are_told_while_they_listen() -> None:
    heard: list[Observation] = []
    tell(Throttled("slack"))
    with listening(heard.append):
        tell(Throttled("discord"))
    tell(Throttled("chat"))
    assert heard == [Throttled("discord")]


def test_a_listener_that_fails_disturbs_nobody() -> None:
    heard: list[Observation] = []

    def broken(observation: Observation) -> None:
        raise ValueError(f"no room for {observation}")

    with listening(broken, heard.append), capture_logs() as logged:
        tell(Lagged(1.0))
    assert heard == [Lagged(1.0)]
    assert logged == [
        {"event": "an observation was lost", "kind": "Lagged", "error": "ValueError", "log_level": "error"}
    ]


def test_a_step_belongs_to_the_question_that_is_being_answered() -> None:
    heard: list[Observation] = []
    token = running.set(Running("q1", "Why?"))
    with listening(heard.append), took("embed"):
        pass
    running.reset(token)
    with listening(heard.append), took("retrieve"):
        pass
    assert [(each.step, each.question_id) for each in heard if isinstance(each, Took)] == [
        ("embed", "q1"),
        ("retrieve", ""),
    ]


def test_a_step_that_fails_tells_no_time() -> None:
    heard: list[Observation] = []
    with listening(heard.append), pytest.raises(ValueError, match="no"), took("embed"):
        raise ValueError("no")
    assert heard == []
