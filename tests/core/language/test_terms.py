"""A word is found whatever its form, its script and its signs."""

import pytest

from core.language.terms import query_words, terms, terms_by_sentence


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("de", "Prüfung", "PRÜFUNGEN"),
        ("es", "canciones", "canción"),
        ("ru", "книгами", "книги"),
        ("hi", "किताबें", "किताब"),
        ("el", "ΔΡΌΜΟΣ", "δρόμους"),
        ("en", "the bees’ “hives”", 'the bees\' "hive"'),
        ("en", "ｆｕｌｌ width", "full width"),
        ("ar", "كِتَابٌ", "كتاب"),
        ("he", "שָׁלוֹם", "שלום"),
        ("tr", "İSTANBUL", "istanbul"),
    ],
)
def test_forms_and_spellings_of_a_word_have_one_term(language: str, one: str, other: str) -> None:
    assert terms(one, language) == terms(other, language)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("东京大学", ["东京", "京大", "大学"]),
        ("Redisを使う", ["redis", "を使", "使う"]),
        ("水", ["水"]),
        ("학교에서", ["학교", "교에", "에서"]),
        ("น้ำตก", ["น้ํ", "้ํา", "ําต", "าตก"]),
        ("ปี", ["ปี"]),
    ],
)
def test_scripts_without_blanks_are_indexed_by_a_few_characters(text: str, expected: list[str]) -> None:
    assert terms(text, "") == expected


def test_question_on_posts_in_two_languages_has_the_terms_of_both() -> None:
    [word] = query_words("running", ["de", "en"])
    assert word.variants == ("running", "run")


def test_terms_are_kept_by_sentence_behind_those_of_the_head() -> None:
    assert terms_by_sentence("Bees", "They hum. Dr. Bee\nsleeps", "en") == "bee;they hum;dr bee;sleep"
