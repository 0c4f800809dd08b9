"""The words of a question are found again in texts, in all their forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.retrieval.term_coverage import Term, TermCoverage, one_edit_apart

INDEX, REDIS = Term("index", 1.0), Term("redis", 3.0)
LETTERS = st.text("abcde", min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Redis builds the index.", (1.0, 1.0)),
        ("Redis is fast. An index is faster.", (0.75, 1.0)),
        ("Redis is fast\nAn index is faster", (0.75, 1.0)),
        ("Indexing it? No.", (0.25, 0.25)),
        ("INDEXES in REDIS", (1.0, 1.0)),
        ("Nothing of it.", (0.0, 0.0)),
        ("Predis and reindex", (0.0, 0.0)),
        ("redis.", (0.75, 0.75)),
        ("Redis 8.2 has an index", (1.0, 1.0)),
        ("redisを使う。index を作る。", (0.25, 0.25)),
        ("", (0.0, 0.0)),
    ],
)
def test_words_weigh_what_they_are_rare(text: str, expected: tuple[float, float]) -> None:
    assert TermCoverage([INDEX, REDIS]).shares("", text) == pytest.approx(expected)


def test_the_title_stands_over_every_sentence() -> None:
    assert TermCoverage([INDEX, REDIS]).shares("About Redis", "An index. More.") == (1.0, 1.0)
    assert TermCoverage([INDEX, REDIS]).shares("About Redis", "Nothing.") == (0.75, 0.75)


def test_a_question_without_words_is_found_nowhere() -> None:
    assert TermCoverage([]).shares("Title", "Text.") == (0.0, 0.0)


def test_two_forms_of_one_word_count_once() -> None:
    assert TermCoverage([Term("index", 1.0), Term("indexes", 2.0), Term("rare", 2.0)]).shares("", "indexing") == (
        0.5,
        0.5,
    )


@pytest.mark.parametrize(("word", "found"), [("databse", True), ("databsee", True), ("datbase", True), ("data", False)])
def test_a_misspelt_word_is_found_by_what_it_was_meant_to_be(word: str, found: bool) -> None:
    text = "A database of posts. A databases. The databsed."
    assert TermCoverage([Term(word, 1.0, misspelt=True)]).shares("", text)[0] == float(found)


def test_only_misspelt_words_are_searched_with_room_for_error() -> None:
    assert Term("redsi", 1.0, misspelt=True).query == "%redsi%"
    assert Term("redis", 1.0).query == "redis"


@given(
    st.lists(st.builds(Term, LETTERS, st.floats(0.1, 9), st.booleans()), max_size=5), st.text("abcde .\n", max_size=80)
)
def test_shares_lie_between_0_and_1_and_a_sentence_holds_no_more_than_all(terms: list[Term], text: str) -> None:
    sentence, whole = TermCoverage(terms).shares("", text)
    assert 0 <= sentence <= whole + 1e-9 <= 1 + 2e-9


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("redis", "redis", True),
        ("redis", "rediss", True),
        ("redis", "reds", True),
        ("redis", "redos", True),
        ("redis", "rdeis", False),
        ("redis", "tedis", False),
        ("redis", "redisss", False),
        ("redis", "roods", False),
        ("", "", True),
        ("a", "", False),
    ],
)
def test_one_letter_more_less_or_different_is_one_edit(one: str, other: str, apart: bool) -> None:
    assert one_edit_apart(one, other) is apart
    assert one_edit_apart(other, one) is apart


@given(LETTERS, st.integers(1, 8), st.sampled_from("abcde"))
def test_any_single_edit_behind_the_first_letter_is_seen(word: str, place: int, letter: str) -> None:
    at = min(place, len(word))
    assert one_edit_apart(word, word[:at] + letter + word[at:])
    assert one_edit_apart(word, word[:at] + letter + word[at + 1 :])
    assert one_edit_apart(word, word[:at] + word[at + 1 :])
