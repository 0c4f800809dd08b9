"""Relevance is judged from word statistics, and from vectors however a model's cosines are spread."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.retrieval.relevance import DEFAULT_MIN_SCORE, SURE, Chance, Signals, WordSignals, judge, relevance_of

WORDS = st.builds(WordSignals, st.floats(0, 3), st.floats(0, 50))
SIGNALS = st.builds(Signals, WORDS, WORDS, st.floats(-1, 1) | st.none())
CHANCES = st.builds(Chance, st.floats(-1, 1), st.floats(0, 1)) | st.none()
NOTHING = WordSignals(density=0.1, mass=0.2)
MUCH = WordSignals(density=2.0, mass=3.0)


@given(SIGNALS, CHANCES)
def test_relevance_is_between_0_and_1(signals: Signals, chance: Chance | None) -> None:
    assert 0 <= relevance_of(signals, chance) <= 1


@given(SIGNALS, CHANCES, st.floats(0, 3), st.floats(0, 10))
def test_stronger_signal_never_lowers_the_relevance(
    signals: Signals, chance: Chance | None, density: float, mass: float
) -> None:
    before = relevance_of(signals, chance)
    more = WordSignals(signals.words.density + density, signals.words.mass + mass)
    assert relevance_of(replace(signals, words=more), chance) >= before
    if signals.cosine is not None:
        assert relevance_of(replace(signals, cosine=signals.cosine + density), chance) >= before


def test_posts_that_contain_the_question_are_sure_and_others_are_not() -> None:
    assert judge(relevance_of(Signals(MUCH))) == "sure"
    assert judge(relevance_of(Signals(NOTHING))) == "none"


def test_question_that_leans_on_the_one_before_is_unsure() -> None:
    assert judge(relevance_of(Signals(NOTHING, with_previous=MUCH))) == "unsure"
    assert judge(relevance_of(Signals(NOTHING, with_previous=NOTHING))) == "none"


@pytest.mark.parametrize("chance", [Chance(0.3, 0.1), Chance(0.8, 0.02)], ids=["wide cosines", "narrow cosines"])
def test_close_vector_without_common_words_is_unsure(chance: Chance) -> None:
    close, far = chance.mean + 2 * chance.spread, chance.mean - 2 * chance.spread
    assert judge(relevance_of(Signals(NOTHING, cosine=close), chance)) == "unsure"
    assert judge(relevance_of(Signals(NOTHING, cosine=far), chance)) == "none"


def test_vectors_that_are_all_alike_carry_no_information() -> None:
    assert relevance_of(Signals(NOTHING, cosine=1.0), Chance(0.5, 0.0)) == relevance_of(Signals(NOTHING))


def test_minimum_score_moves_the_lower_limit() -> None:
    assert [judge(0.6, min_score) for min_score in (0.0, DEFAULT_MIN_SCORE, 0.7)] == ["unsure", "unsure", "none"]
    assert judge(0.0, min_score=0.0) == "unsure"
    assert judge(SURE, min_score=0.99) == "none"
