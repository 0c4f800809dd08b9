"""Relevance is judged from signals, however a model's cosines are spread."""

from dataclasses import astuple, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.retrieval.relevance import DEFAULT_MIN_SCORE, UNCALIBRATED, Calibration, Signals, calibration_from

SHARES = st.floats(0, 1)
SIGNALS = st.builds(Signals, st.floats(-1, 1), SHARES, SHARES)
CALIBRATIONS = st.builds(Calibration, SIGNALS, st.builds(Signals, SHARES, SHARES, SHARES))
FAR = Signals(cosine=0.30, passage=0.2, sentence=0.15)
NEAR = Signals(cosine=0.65, passage=0.9, sentence=0.9)


@given(CALIBRATIONS, SIGNALS, st.booleans())
def test_relevance_is_between_0_and_1(calibration: Calibration, signals: Signals, lexical_only: bool) -> None:
    assert 0 <= calibration.relevance(signals, lexical_only) <= 1


@pytest.mark.parametrize("name", ["cosine", "passage", "sentence"])
@given(CALIBRATIONS, SIGNALS, st.floats(0, 1))
def test_stronger_signal_never_lowers_the_relevance(
    name: str, calibration: Calibration, signals: Signals, more: float
) -> None:
    better = replace(signals, **{name: getattr(signals, name) + more})
    assert calibration.relevance(better) >= calibration.relevance(signals)


@given(CALIBRATIONS)
def test_calibration_survives_storage(calibration: Calibration) -> None:
    assert Calibration.from_json(calibration.to_json()) == calibration


def test_clear_cases_are_judged_without_calibration() -> None:
    assert UNCALIBRATED.relevance(NEAR) > DEFAULT_MIN_SCORE > UNCALIBRATED.relevance(FAR)


def test_range_of_cosines_does_not_matter() -> None:
    """One model's cosines run from 0.1 to 0.6, another's from 0.75 to 0.85."""
    one = calibration_from([Signals(0.1 + step / 10, 0.2, 0.1) for step in range(4)])
    other = calibration_from([Signals(0.75 + step / 100, 0.2, 0.1) for step in range(4)])
    for step in (0, 4, 8):
        asked, again = Signals(0.1 + step / 10, 0.5, 0.5), Signals(0.75 + step / 100, 0.5, 0.5)
        assert one.relevance(asked) == pytest.approx(other.relevance(again))


def test_constant_cosines_are_ignored() -> None:
    calibration = calibration_from([Signals(0.5, share / 10, share / 10) for share in range(5)])
    assert calibration.relevance(Signals(0.5, 0.9, 0.9)) == calibration.relevance(Signals(0.9, 0.9, 0.9))


def test_cosine_is_ignored_in_a_lexical_search() -> None:
    assert UNCALIBRATED.relevance(NEAR, lexical_only=True) == UNCALIBRATED.relevance(
        replace(NEAR, cosine=-1.0), lexical_only=True
    )
    assert UNCALIBRATED.relevance(NEAR, lexical_only=True) > UNCALIBRATED.relevance(FAR, lexical_only=True)


@pytest.mark.parametrize("signals", [Signals(0, 0, 0), Signals(1, 1, 1), Signals(1e9, 1e9, 1e9)])
def test_zero_spread_is_not_divided_by(signals: Signals) -> None:
    calibration = calibration_from([Signals(0.3, 0.0, 0.0)] * 10)
    assert 0 <= calibration.relevance(signals) <= 1


def test_calibration_is_mean_and_spread() -> None:
    calibration = calibration_from([Signals(0.2, 0.0, 0.5), Signals(0.4, 1.0, 0.5)])
    assert astuple(calibration.mean) == pytest.approx((0.3, 0.5, 0.5))
    assert astuple(calibration.spread) == pytest.approx((0.1, 0.5, 0.0))
