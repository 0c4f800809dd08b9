"""Small talk: thanks, greetings, farewells, reactions and calls for help; needs neither search nor language model."""

import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal
from unicodedata import normalize

import regex

from core.i18n import LANGUAGES, N_, gettext, language, use_language

Kind = Literal["help", "thanks", "greeting", "farewell", "reaction"]

REPLIES: dict[Kind, str] = {
    "help": N_("Ask me a question, and I answer from the posts, with footnotes."),
    "thanks": N_("You're welcome!"),
    "greeting": N_("Hello! What would you like to know?"),
    "farewell": N_("Goodbye!"),
    "reaction": N_("I'm here if you have a question."),
}
"""In a message of several kinds, the first of these is answered."""

# Read here rather than with the first question, which is within the event loop.
_SOURCE = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")

MAX_TOKENS = 12
"""Of a phrase: Japanese ones have a token per character."""

MAX_CHARS = 120
"""A longer message is worth a search."""

_TOKEN = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}ー]|[[\w+]--[\p{Han}\p{Hiragana}\p{Katakana}ー]]+", regex.V1)
_MARK = regex.compile(r"[\p{Mn}\p{Me}\p{Cf}'’`´]")
_STRETCHED = regex.compile(r"(\p{L})\1+")
_LAUGHTER = regex.compile(r"(\p{L}{2})\1{2,}")

_MENTION = regex.compile(r"<[@!#][^>]*>|@\S+")
_EMOJI = regex.compile(
    r"\p{Extended_Pictographic}"
    r"|<a?:\w+:\d+>|:[a-z0-9_+'-]+:(?::skin-tone-\d:)?"  # as Discord and Slack write them
    r"|(?<!\w)[:;=8]['-]?[()DPpOo/|\\3*]+(?!\w)|<3|\^\^",
    regex.IGNORECASE,
)
_QUESTION_MARK = regex.compile(r"[?？¿؟]")


@dataclass(frozen=True, slots=True)
class _Phrase:
    kind: str
    languages: frozenset[str]


def small_talk(text: str) -> Kind | None:
    """Return what kind of small talk a message is; None if it says or asks anything else."""
    found = _parse(text)
    return found[0] if found else None


def reply_to_small_talk(text: str) -> str:
    """Return the reply, in the language of the small talk; an empty string if the text is none."""
    found = _parse(text)
    if not found:
        return ""
    kind, languages = found
    if language() not in languages:
        use_language(*(code for code in LANGUAGES if code in languages))
    return gettext(REPLIES[kind])


def _parse(text: str) -> tuple[Kind, frozenset[str]] | None:
    """Return the kind of small talk and the languages in which it is said."""
    if len(text) > MAX_CHARS:
        return None
    without_emoji = _EMOJI.sub(" ", text)
    tokens = _tokens(_MENTION.sub(" ", without_emoji))
    if not tokens:
        return ("reaction", frozenset(LANGUAGES)) if without_emoji != text else None
    phrases = _split(tokens)
    kinds = {phrase.kind for phrase in phrases}
    kind = next((kind for kind in REPLIES if kind in kinds), None)
    # “Ok, and now?” is a question; “how are you?” is none.
    if kind is None or (kind not in {"greeting", "help"} and _QUESTION_MARK.search(text)):
        return None
    votes = Counter(code for phrase in phrases for code in phrase.languages)
    most = max(votes.values())
    return kind, frozenset(code for code, count in votes.items() if count == most)


def _tokens(text: str) -> tuple[str, ...]:
    """Return words, and single characters of Chinese and Japanese."""
    return tuple(_TOKEN.findall(_normalized(text)))


def _normalized(text: str) -> str:
    """Return a text without case, accents, apostrophes and stretched letters."""
    plain = _MARK.sub("", normalize("NFKD", text.casefold()))
    return _LAUGHTER.sub(r"\1\1", _STRETCHED.sub(r"\1", plain))


def _split(tokens: tuple[str, ...]) -> list[_Phrase]:
    """Split tokens into phrases, the longest first; return none if a token belongs to no phrase."""
    known, phrases, at = _phrases(), list[_Phrase](), 0
    while at < len(tokens):
        for end in range(min(len(tokens), at + MAX_TOKENS), at, -1):
            if phrase := known.get(tokens[at:end]):
                phrases.append(phrase)
                at = end
                break
        else:
            return []
    return phrases


@cache
def _phrases() -> dict[tuple[str, ...], _Phrase]:
    """Return the phrases by their tokens. One that several languages have in common is of the first kind listed."""
    languages: dict[tuple[str, ...], set[str]] = {}
    kinds: dict[tuple[str, ...], str] = {}
    for section, listed in tomllib.loads(_SOURCE).items():
        for kind, phrases in listed.items():
            for phrase in _normalized(phrases).split(","):
                tokens = tuple(_TOKEN.findall(phrase))
                kinds.setdefault(tokens, kind)
                languages.setdefault(tokens, set()).update(LANGUAGES if section == "all" else (section,))
    return {tokens: _Phrase(kind, frozenset(languages[tokens])) for tokens, kind in kinds.items()}
