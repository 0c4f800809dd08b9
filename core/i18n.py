"""Translations of everything that people read in chats and on the web page; see docs/languages.md.

Messages are written in English in the code. `gettext` and `ngettext` translate them where they are shown; `N_` marks
those that are translated elsewhere. The catalogues are `core/locale/<language>/LC_MESSAGES/footnoted.po`.
"""

import ast
import gettext as gnu
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

SOURCE_LANGUAGE = "en"
LOCALES = Path(__file__).parent / "locale"

# Read here rather than when a language is first used, which is within the event loop.
_CATALOGUES = {path.parts[-3]: path.read_bytes() for path in sorted(LOCALES.glob("*/LC_MESSAGES/footnoted.po"))}

LANGUAGES = (SOURCE_LANGUAGE, *_CATALOGUES)

_ENTRY = re.compile(r'^(msgid|msgid_plural|msgstr(?:\[\d\])?)\s+((?:"(?:[^"\\]|\\.)*"\s*)+)', re.MULTILINE)
_PLURAL_FORMS = re.compile(r"plural=([^;]+)")

_PLACEHOLDER = re.compile(r"\{(\w*)")

_wordings: dict[str, Mapping[str, str]] = {}

_language: ContextVar[str] = ContextVar("language", default="")


def language() -> str:
    """Return the language of the person whom the current task answers."""
    return _language.get() or SOURCE_LANGUAGE


def language_is_known() -> bool:
    """Return whether the language has been chosen, rather than being the default."""
    return bool(_language.get())


def forget_language() -> None:
    """Return to the default, in a task that serves several people one after the other."""
    _language.set("")


def use_language(*preferred: str) -> None:
    """Translate for the current task, and for tasks that it starts, into the first available of the languages.

    Languages are tags such as `de` or `pt-BR`; if none is available, nothing changes.
    """
    for tag in preferred:
        if (code := re.split("[-_]", tag.lower())[0]) in LANGUAGES:
            _language.set(code)
            return


@contextmanager
def translating_into(*preferred: str) -> Iterator[None]:
    """Translate within the block into the first available of the languages."""
    before = _language.set(_language.get())
    use_language(*preferred)
    try:
        yield
    finally:
        _language.reset(before)


def N_(message: str) -> str:
    """Mark a message for translation without translating it."""
    return message


def gettext(message: str) -> str:
    """Translate a message into the current language, or return the operator's own wording of it."""
    own = _wordings.get(language(), {}).get(message)
    return own or _translations(language()).gettext(message)


def use_wordings(wordings: Mapping[str, Mapping[str, str]]) -> None:
    """Replace sentences in the whole process: language → English sentence → the operator's own wording."""
    _wordings.clear()
    _wordings.update(wordings)


def wording_problem(language_code: str, message: str, wording: str) -> str:
    """Return why an own wording cannot be used, or an empty string."""
    if language_code not in LANGUAGES:
        return f"there are no texts in the language “{language_code}”"
    if LANGUAGES[1:] and not _translations(LANGUAGES[1]).knows(message):
        return f"there is no text “{message}”"
    if set(_PLACEHOLDER.findall(wording)) - set(_PLACEHOLDER.findall(message)):
        return f"the text “{message}” has other {{placeholders}}"
    return ""


def ngettext(singular: str, plural: str, count: int) -> str:
    """Translate a message with the plural form for `count`, and insert the number for `{count}`."""
    return _translations(language()).ngettext(singular, plural, count).replace("{count}", number(count))


def number(value: float, decimals: int = 0) -> str:
    """Format a number with the separators of the current language."""
    sample = gettext("1,000.5")
    separators = {",": sample[1:-5], ".": sample[-2]}
    return "".join(separators.get(char, char) for char in f"{value:,.{decimals}f}")


@lru_cache
def _translations(code: str) -> "_Catalogue":
    return _Catalogue(_CATALOGUES[code].decode() if code in _CATALOGUES else 'msgid ""\nmsgstr ""\n')


class _Catalogue(gnu.NullTranslations):
    """A catalogue in the text form, because compiled ones would need a build step in a checkout."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._messages: dict[str, list[str]] = dict(_entries(text))
        rule = _PLURAL_FORMS.search(self._messages.pop("")[0])
        self._form = gnu.c2py(rule[1]) if rule else int

    def knows(self, message: str) -> bool:
        """Return whether the catalogue has a message without a plural."""
        return len(self._messages.get(message, ())) == 1

    def gettext(self, message: str) -> str:
        return next(iter(self._messages.get(message, ())), "") or message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        forms = self._messages.get(msgid1)
        return forms[self._form(n)] if forms else super().ngettext(msgid1, msgid2, n)


def _entries(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the messages with their translations, one per plural form."""
    message = ""
    forms: list[str] = []
    for keyword, quoted in _ENTRY.findall(text):
        string = "".join(ast.literal_eval(line) for line in quoted.splitlines() if line.strip())
        if keyword == "msgid":
            if forms:
                yield message, forms
            message, forms = string, []
        elif keyword != "msgid_plural":
            forms.append(string)
    yield message, forms
