"""The catalogues are complete, and texts appear in the language of the person who reads them."""

import re
from dataclasses import dataclass
from io import BytesIO

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from core.chat import texts
from core.errors import QuestionTooLongError, UnknownSourceError
from core.i18n import LANGUAGES, LOCALES, gettext, language, ngettext, number, translating_into, use_language
from tests.bot.running import REPOSITORY

TRANSLATED = [code for code in LANGUAGES if code != "en"]

MAX_LENGTHS = {texts.REASON_TITLE: 24, texts.REASON_LABEL: 45, texts.REASON_PLACEHOLDER: 100, "Send": 24, "Cancel": 24}
"""Of titles and labels in the forms of Slack and Discord."""


def extracted() -> set[str]:
    """Return the messages in the code."""
    found = [
        messages[0] if isinstance(messages, tuple) else messages
        for layer in ("core", "adapters")
        for _, _, messages, _, _ in extract_from_dir(REPOSITORY / layer, method_map=[("**.py", "python")])
    ]
    return set(found)


@dataclass(frozen=True, slots=True)
class Entry:
    """A message of a catalogue: its English forms and its translations, of which a message without plural has one."""

    english: tuple[str, ...]
    translations: tuple[str, ...]
    fuzzy: bool


def catalogue(code: str) -> list[Entry]:
    read = read_po(BytesIO((LOCALES / code / "LC_MESSAGES" / "footnoted.po").read_bytes()), locale=code)
    return [
        Entry(
            tuple(message.id) if message.pluralizable else (str(message.id),),
            tuple(message.string or ()) if message.pluralizable else (str(message.string),),
            message.fuzzy,
        )
        for message in read
        if message.id
    ]


def test_the_bot_speaks_ten_languages() -> None:
    assert set(LANGUAGES) == {"en", "de", "fr", "es", "pt", "it", "nl", "ru", "zh", "ja"}


def test_every_catalogue_has_the_messages_of_the_code_and_no_others() -> None:
    in_code = extracted()
    assert len(in_code) > 150
    for code in TRANSLATED:
        assert (code, in_code ^ {entry.english[0] for entry in catalogue(code)}) == (code, set())


@pytest.mark.parametrize("code", TRANSLATED)
def test_translations_are_complete_and_keep_placeholders_and_markup(code: str) -> None:
    for entry in catalogue(code):
        english = entry.english[-1]
        assert entry.translations and all(entry.translations) and not entry.fuzzy, english
        for form in entry.translations:
            assert marks(form) == marks(english), form
            assert len(form) <= MAX_LENGTHS.get(english, 1_000), form


def marks(text: str) -> list[str]:
    """Return placeholders, code and line breaks of a text."""
    return sorted(re.findall(r"\{\w*\}|`[^`]*`|\*\*|\n", text))


@pytest.mark.parametrize("code", TRANSLATED)
def test_the_catalogue_in_use_is_the_one_that_babel_reads(code: str) -> None:
    with translating_into(code):
        for entry in catalogue(code):
            if len(entry.english) == 1:
                assert gettext(entry.english[0]) == entry.translations[0]


def test_plural_forms_follow_the_language() -> None:
    with translating_into("ru"):
        shown = [ngettext("{count} post", "{count} posts", count) for count in (1, 3, 11, 1_021)]
    assert shown == ["1 статья", "3 статьи", "11 статей", "1\u00a0021 статья"]
    with translating_into("ja"):
        assert ngettext("{count} post", "{count} posts", 1) == "1 件の記事"
    assert ngettext("{count} post", "{count} posts", 1) == "1 post"
    assert ngettext("{count} post", "{count} posts", 2) == "2 posts"


def test_numbers_have_the_separators_of_the_language() -> None:
    assert number(1_234_567) == "1,234,567"
    assert number(0.5, 2) == "0.50"
    with translating_into("de"):
        assert number(1_234_567) == "1.234.567"
        assert number(1_234.5, 2) == "1.234,50"


def test_the_first_available_language_is_used() -> None:
    with translating_into("en"):
        use_language("", "xx", "pt-BR", "de")
        assert language() == "pt"
        use_language("tlh")
        assert language() == "pt"
    assert language() == "en"


def test_errors_are_logged_in_english_and_told_in_the_language_of_the_reader() -> None:
    error = QuestionTooLongError(limit=4_000)
    with translating_into("de"):
        assert error.translated_message == "Diese Frage ist mir zu lang. Bitte unter 4.000 Zeichen bleiben."
    assert str(error) == error.user_message
    assert "4,000 characters" in str(error)


def test_a_source_name_with_braces_is_shown_as_it_is() -> None:
    assert "“{x}”" in UnknownSourceError("{x}", ["a"]).translated_message
