"""The language of short questions."""

import pytest

from core.domain import Passage, ScoredPassage, Turn
from core.i18n import forget_language, language, translating_into
from core.question_language import language_of, use_language_of, use_language_of_posts


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How long is the warranty?", "en"),
        ("Wie lange ist die Rückgabefrist?", "de"),
        ("Quel est le délai de retour ?", "fr"),
        ("¿Cuánto dura la garantía?", "es"),
        ("Qual é o prazo de devolução?", "pt"),
        ("Quanto dura la garanzia?", "it"),
        ("Hoe lang is de garantie?", "nl"),
        ("Как вернуть товар?", "ru"),
        ("保修期是多久？", "zh"),
        ("保証期間はどのくらいですか", "ja"),
        ("Pagination", ""),
    ],
)
def test_the_language_is_told_by_script_and_function_words(question: str, expected: str) -> None:
    assert language_of(question) == expected


def test_a_question_without_a_language_has_that_of_the_one_before() -> None:
    history = (Turn("user", "Was kostet der Versand?"), Turn("assistant", "The answer is five euros."))
    with translating_into("en"):
        use_language_of("Schweiz?", history)
        assert language() == "de"


def test_without_any_hint_the_language_stays() -> None:
    with translating_into("fr"):
        use_language_of("PDF?")
        assert language() == "fr"


@pytest.mark.parametrize(
    "text", ["Hur lång är garantin och vad omfattar den?", "Garanti süresi ne kadar?", "Скільки триває гарантія?"]
)
def test_a_language_that_the_bot_does_not_speak_is_not_taken_for_another(text: str) -> None:
    assert language_of(text) == ""


def test_chinese_characters_in_a_japanese_conversation_are_japanese() -> None:
    with translating_into("en"):
        use_language_of("返品方法", (Turn("user", "保証期間はどのくらいですか"),))
        assert language() == "ja"


def test_the_language_of_the_posts_is_used_only_where_nothing_else_tells_it() -> None:
    found = [ScoredPassage(Passage("https://a/1", "Preise", "", "Fünf Euro.", language="de"), 1.0)]
    with translating_into("fr"):
        use_language_of_posts(found)
        assert language() == "fr"
        forget_language()
        use_language_of_posts(found)
        assert language() == "de"
