"""Thanks, greetings and the like are told from questions, in each language of the bot."""

import pytest

from core.i18n import LANGUAGES, language, translating_into
from core.small_talk import Kind, reply_to_small_talk, small_talk

SAID: dict[str, dict[Kind, str]] = {
    "en": {"thanks": "thaaanks!", "greeting": "Good morning everyone!", "farewell": "See you tomorrow"},
    "de": {"thanks": "Vielen Dank für die schnelle Hilfe", "greeting": "Moin zusammen", "farewell": "Tschüss"},
    "fr": {"thanks": "Merci beaucoup !", "greeting": "Bonjour à tous", "farewell": "à bientôt"},
    "es": {"thanks": "¡Muchas gracias!", "greeting": "Hola, buenos días", "farewell": "hasta luego"},
    "pt": {"thanks": "Obrigada pela ajuda", "greeting": "Olá pessoal", "farewell": "até amanhã"},
    "it": {"thanks": "grazie mille", "greeting": "Buongiorno a tutti", "farewell": "arrivederci"},
    "nl": {"thanks": "Dank je wel!", "greeting": "goedemorgen allemaal", "farewell": "tot ziens"},
    "ru": {"thanks": "Спасибо большое", "greeting": "Всем привет!", "farewell": "до свидания"},
    "zh": {"thanks": "谢谢！", "greeting": "大家好", "farewell": "再见"},
    "ja": {"thanks": "ありがとうございます！", "greeting": "おはようございます", "farewell": "さようなら"},
}


@pytest.mark.parametrize("code", LANGUAGES)
def test_small_talk_is_recognised_and_answered_in_its_language(code: str) -> None:
    assert {kind: small_talk(text) for kind, text in SAID[code].items()} == {kind: kind for kind in SAID[code]}
    with translating_into("en"):
        assert reply_to_small_talk(SAID[code]["thanks"])
        assert language() == code


@pytest.mark.parametrize(
    "text",
    [
        "lol",
        "👍",
        ":tada: :+1::skin-tone-2:",
        "<:party:123456>",
        "❤️ :)",
        "ok cool, I'll try that tomorrow",
        "ok danke, probiere ich morgen aus",
        "d’accord, je vais essayer",
        "jajajaja",
        "好的，我试试",
        "hahahahaha",
    ],
)
def test_reactions_in_words_and_emoji_are_small_talk(text: str) -> None:
    assert small_talk(text)


@pytest.mark.parametrize(
    "text",
    [
        "thanks, and on Windows?",
        "Hi, how do I reset my password?",
        "Ok, and now?",
        "Danke, und was kostet das",
        "merci, et sous Windows ?",
        "你好，怎么退款",
        "Pagination options",
        "C++",
        "Tag",
        "Hello World",
        "What does “thank you” mean in Japanese",
        "yes",
        "42",
        "???",
        "",
    ],
)
def test_questions_are_no_small_talk(text: str) -> None:
    assert small_talk(text) is None
    assert reply_to_small_talk(text) == ""


def test_small_talk_of_no_language_is_answered_in_the_current_one() -> None:
    with translating_into("de"):
        reply_to_small_talk("lol 😂")
        assert language() == "de"


def test_a_call_for_help_is_recognised_in_any_language() -> None:
    assert {small_talk(text) for text in ("help", "Hilfe!", "ayuda, por favor", "帮助", "ヘルプ")} == {"help"}
    assert small_talk("Help with pagination") is None


def test_how_are_you_is_a_greeting_although_it_is_a_question() -> None:
    assert small_talk("Hey, how are you?") == "greeting"


def test_thanks_come_before_a_greeting_and_a_farewell() -> None:
    assert small_talk("Hi, thanks for the help, bye!") == "thanks"
