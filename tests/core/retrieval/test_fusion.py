"""One ranking out of several is fair to each and invents nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.retrieval.fusion import fuse

LEGS = st.lists(st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-1e3, 1e3), max_size=8), max_size=4)


@given(LEGS)
def test_nothing_is_invented_and_every_score_lies_between_0_and_1(legs: list[dict[str, float]]) -> None:
    fused = fuse(legs)
    assert set(fused) <= {name for leg in legs for name in leg}
    assert all(0 <= score <= 1 + 1e-9 for score in fused.values())


@given(LEGS)
def test_the_best_come_first(legs: list[dict[str, float]]) -> None:
    scores = list(fuse(legs).values())
    assert scores == sorted(scores, reverse=True)


@given(LEGS)
def test_the_order_of_the_legs_makes_no_difference(legs: list[dict[str, float]]) -> None:
    assert fuse(legs) == pytest.approx(fuse(legs[::-1]))


@given(LEGS.filter(bool), st.floats(0.5, 100), st.floats(-100, 100))
def test_the_scale_of_a_leg_makes_no_difference(legs: list[dict[str, float]], factor: float, shift: float) -> None:
    rounded = [{name: float(round(score)) for name, score in leg.items()} for leg in legs]
    other = {name: score * factor + shift for name, score in rounded[0].items()}
    assert fuse([other, *rounded[1:]]) == pytest.approx(fuse(rounded), abs=1e-6)


def test_what_both_legs_like_is_better_than_what_one_likes() -> None:
    fused = fuse([{"both": 9.0, "words": 10.0, "neither": 0.0}, {"both": 0.9, "meaning": 1.0, "neither": 0.0}])
    assert list(fused) == ["both", "meaning", "words", "neither"]
    assert fused == pytest.approx({"both": 0.9, "meaning": 0.5, "words": 0.5, "neither": 0.0})


@pytest.mark.parametrize(
    ("legs", "expected"),
    [
        ([], {}),
        ([{}], {}),
        ([{"a": 3.0}], {"a": 1.0}),
        ([{"a": 3.0}, {}], {"a": 1.0}),
        ([{"a": 2.0, "b": 1.0}, {"a": 0.5, "b": 0.5}], {"a": 1.0, "b": 0.0}),
        ([{"a": 0.5, "b": 0.5}], {}),
        ([{"a": 0.5, "b": 0.500001}, {"b": 1.0, "a": 3.0}], {"a": 1.0, "b": 0.0}),
    ],
)
def test_a_leg_that_cannot_tell_candidates_apart_does_not_count(
    legs: list[dict[str, float]], expected: dict[str, float]
) -> None:
    assert fuse(legs) == expected


def test_equals_stand_in_one_order_always() -> None:
    assert (
        list(fuse([{"b": 1.0, "a": 1.0, "c": 0.0}])) == list(fuse([{"c": 0.0, "a": 1.0, "b": 1.0}])) == ["a", "b", "c"]
    )
