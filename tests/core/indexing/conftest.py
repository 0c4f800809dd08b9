"""Cheap calibration: most of a run's time, and none of what these tests prove."""

import pytest

from core.retrieval import calibration


@pytest.fixture(autouse=True)
def few_calibration_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calibrate with a few questions; `tests/core/retrieval` calibrates with all of them."""
    monkeypatch.setattr(calibration, "QUESTIONS", calibration.QUESTIONS[:3])
