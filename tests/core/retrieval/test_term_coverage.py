"""Terms of a question are found in texts in all their forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.language.terms import stem, terms_by_sentence
from core.retrieval.term_coverage import Term, TermCoverage, within_one_edit


def term(word: str, idf: float, misspelt: bool = False) -> Term:
    return Term(word, idf, (stem(word, "en"),), misspelt)


def coverage(terms: list[Term], head: str, text: str) -> tuple[float, float]:
    return TermCoverage(terms).coverage(terms_by_sentence(head, text, "en"))


INDEX, REDIS = term("index", 1.0), term("redis", 3.0)
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
        ("redisを使う。index を作る。", (1.0, 1.0)),
        ("", (0.0, 0.0)),
    ],
)
def test_terms_weigh_their_idf(text: str, expected: tuple[float, float]) -> None:
    assert coverage([INDEX, REDIS], "", text) == pytest.approx(expected)


def test_title_counts_for_every_sentence() -> None:
    assert coverage([INDEX, REDIS], "About Redis", "An index. More.") == (1.0, 1.0)
    assert coverage([INDEX, REDIS], "About Redis", "Nothing.") == (0.75, 0.75)


def test_question_without_terms_has_no_coverage() -> None:
    assert coverage([], "Title", "Text.") == (0.0, 0.0)


def test_forms_of_one_word_count_once() -> None:
    assert coverage([term("index", 1.0), term("indexes", 2.0), term("rare", 2.0)], "", "indexing") == (
        0.5,
        0.5,
    )


@pytest.mark.parametrize(("word", "found"), [("databse", True), ("databsee", True), ("datbase", True), ("data", False)])
def test_misspelt_word_matches_the_intended_one(word: str, found: bool) -> None:
    text = "A database of posts. A databases. The databsed."
    assert coverage([term(word, 1.0, misspelt=True)], "", text)[0] == float(found)


def test_only_misspelt_words_are_fuzzy_in_the_query() -> None:
    assert term("redsi", 1.0, misspelt=True).query == "%redsi%"
    assert term("redis", 1.0).query == "redi"


@given(
    st.lists(st.builds(term, LETTERS, st.floats(0.1, 9), st.booleans()), max_size=5), st.text("abcde .\n", max_size=80)
)
def test_coverage_is_between_0_and_1_and_no_sentence_exceeds_the_text(terms: list[Term], text: str) -> None:
    sentence, whole = coverage(terms, "", text)
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
    assert within_one_edit(one, other) is apart
    assert within_one_edit(other, one) is apart


@given(LETTERS, st.integers(1, 8), st.sampled_from("abcde"))
def test_any_single_edit_after_the_first_letter_is_recognized(word: str, place: int, letter: str) -> None:
    at = min(place, len(word))
    assert within_one_edit(word, word[:at] + letter + word[at:])
    assert within_one_edit(word, word[:at] + letter + word[at + 1 :])
    assert within_one_edit(word, word[:at] + word[at + 1 :])
