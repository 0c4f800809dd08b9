"""Words, stop words and stems."""

import pytest

from core.language.terms import query_words, stem
from core.language.words import without_addresses, words


def content_words(text: str, *languages: str) -> list[str]:
    return [word.word for word in query_words(text, languages or ("en",))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Redis 8.2 is out!", ["redis", "8", "2", "is", "out"]),
        ("snake_case and __init__", ["snake_case", "and", "__init__"]),
        ("___ --- *** 🙂", []),
        ("Zwölf ÊTRE Данные", ["zwölf", "être", "данные"]),
        ("don't", ["don", "t"]),
        ("", []),
    ],
)
def test_words_are_lower_case_and_in_order(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_stop_words_are_dropped() -> None:
    assert content_words("How do I index the posts, and what are posts?") == ["index", "posts"]
    assert content_words("Wie lange dauert die Prüfung?", "de") == ["dauert", "prüfung"]
    assert content_words("Làm thế nào để kết nối mạng?", "vi") == ["kết", "nối", "mạng"]


def test_question_of_stop_words_only_keeps_them() -> None:
    assert content_words("Who are you? You?") == ["who", "are", "you"]


@pytest.mark.parametrize("form", ["index", "indexes", "indexed", "indexing"])
def test_forms_of_a_word_share_a_stem(form: str) -> None:
    assert stem(form, "en") == "index"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("When is lunch served?", "When is lunch served?"),
        ("two  blanks,\nand a line", "two  blanks,\nand a line"),
        ("I read https://wiki.example/p/1?x=1, when is lunch?", "I read , when is lunch?"),
        ("Is lunch (see www.example.com/a_(b)) served?", "Is lunch (see )) served?"),
        ("Is [lunch](https://wiki.example) served?", "Is [lunch]( ) served?"),
        ("Is <https://wiki.example/1|lunch> served?", "Is < |lunch> served?"),
        ("https://wiki.example/lunch", "https://wiki.example/lunch"),
        ("What does https:// mean?", "What does https:// mean?"),
    ],
)
def test_addresses_are_left_out_unless_they_are_all_there_is(text: str, expected: str) -> None:
    assert without_addresses(text) == expected
