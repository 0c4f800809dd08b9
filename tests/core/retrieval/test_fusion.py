"""Fusion weights rankings evenly unless it is told otherwise, and adds no candidates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.retrieval.fusion import fuse

RANKINGS = st.lists(st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-1e3, 1e3), max_size=8), max_size=4)


@given(RANKINGS)
def test_no_candidate_is_added_and_every_score_is_between_0_and_1(rankings: list[dict[str, float]]) -> None:
    fused = fuse(rankings)
    assert set(fused) <= {name for scores in rankings for name in scores}
    assert all(0 <= score <= 1 + 1e-9 for score in fused.values())


@given(RANKINGS)
def test_best_candidates_come_first(rankings: list[dict[str, float]]) -> None:
    scores = list(fuse(rankings).values())
    assert scores == sorted(scores, reverse=True)


@given(RANKINGS)
def test_order_of_rankings_does_not_matter(rankings: list[dict[str, float]]) -> None:
    assert fuse(rankings) == pytest.approx(fuse(rankings[::-1]))


@given(RANKINGS.filter(bool), st.floats(0.5, 100), st.floats(-100, 100))
def test_scale_of_a_ranking_does_not_matter(rankings: list[dict[str, float]], factor: float, shift: float) -> None:
    rounded = [{name: float(round(score)) for name, score in scores.items()} for scores in rankings]
    other = {name: score * factor + shift for name, score in rounded[0].items()}
    assert fuse([other, *rounded[1:]]) == pytest.approx(fuse(rounded), abs=1e-6)


def test_candidate_of_both_rankings_beats_one_of_a_single_ranking() -> None:
    fused = fuse([{"both": 9.0, "words": 10.0, "neither": 0.0}, {"both": 0.9, "meaning": 1.0, "neither": 0.0}])
    assert list(fused) == ["both", "meaning", "words", "neither"]
    assert fused == pytest.approx({"both": 0.9, "meaning": 0.5, "words": 0.5, "neither": 0.0})


def test_weighted_ranking_counts_by_its_share_of_the_rankings_that_count() -> None:
    words, meaning = {"a": 2.0, "b": 1.0}, {"b": 2.0, "a": 1.0}
    assert fuse([words, meaning, {}], [0.6, 0.2, 9.0]) == pytest.approx({"a": 0.75, "b": 0.25})


@pytest.mark.parametrize(
    ("rankings", "expected"),
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
def test_ranking_with_equal_scores_does_not_count(rankings: list[dict[str, float]], expected: dict[str, float]) -> None:
    assert fuse(rankings) == expected


def test_ties_have_a_stable_order() -> None:
    assert (
        list(fuse([{"b": 1.0, "a": 1.0, "c": 0.0}])) == list(fuse([{"c": 0.0, "a": 1.0, "b": 1.0}])) == ["a", "b", "c"]
    )
