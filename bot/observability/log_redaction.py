"""Keeping out of the log what does not belong there: secrets always, and people's and posts' words unless they are
wanted. Whatever is logged goes through here, also what libraries say and what stands in a traceback."""

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote

from pydantic import SecretStr

from core.telemetry import QuestionContext, question_context

SECRET = "[secret]"
TEXT = "[text]"

SHORTEST_SECRET = 4
"""Characters; what is shorter stands in too many other words."""

RUN = 4
"""Words in a row by which a text is recognised, however it was cut, quoted or escaped; a shorter text as a whole."""

_LOOKS_SECRET = re.compile(
    r"xox[a-z]-[\w-]+|xapp-[\w-]+|\bsk-[\w-]{8,}"
    r"|\b[MNO][\w-]{22,27}\.[\w-]{6}\.[\w-]{27,}"  # a bot of Discord
    r"|(?<=Bearer )[\w.~+/=-]{6,}|(?<=Bot )[\w.-]{30,}"
    r"|(?<=://)[^\s/@]+(?=@)"  # a user and a password in an address
    r"|(?<=/webhooks/)\d+/[\w-]{20,}"
)
_ECHOED = re.compile(r"(?<=input_value=).*?(?=, input_type=)", re.DOTALL)
"""What pydantic quotes of a value that it does not take."""

_WORD = re.compile(r"[^\W_]+")
_ESCAPED = re.compile(r"\\u[0-9a-fA-F]{4}|\\[nrt]")


class LogRedactor:
    """A processor of structlog. `secrets` are known by their values, others by how they look. The `event` of a line
    that is the house's `own` is never a person's."""

    def __init__(self, secrets: Iterable[str] = (), words_wanted: bool = False) -> None:
        known = {secret for secret in secrets if len(secret) >= SHORTEST_SECRET}
        known |= {quote(secret, safe="") for secret in known}
        longest_first = sorted(known, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if known else None
        self._words_wanted = words_wanted

    def __call__(self, _: Any, __: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
        runs = _Runs(None if self._words_wanted else question_context.get())
        own = {"event"} if event.pop("own", False) else set()
        return {name: self._scrubbed(value, _Runs(None) if name in own else runs) for name, value in event.items()}

    def _scrubbed(self, value: Any, runs: "_Runs") -> Any:
        match value:
            case None | bool() | int() | float():
                return value
            case str():
                text = self._known.sub(SECRET, value) if self._known else value
                text = _LOOKS_SECRET.sub(SECRET, text)
                return text if self._words_wanted else runs.out_of(_ECHOED.sub(TEXT, text))
            case Mapping():
                return {str(name): self._scrubbed(each, runs) for name, each in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._scrubbed(each, runs) for each in value]
            case _:
                return self._scrubbed(repr(value), runs)


class _Runs:
    """The words in a row that must not be quoted: those of a question, or none."""

    def __init__(self, current: QuestionContext | None) -> None:
        self._current = current

    @cached_property
    def _runs(self) -> frozenset[tuple[str, ...]]:
        # Most lines hold nothing but names and figures: then this is never needed.
        current = self._current
        texts = [current.question, *current.private_texts, "".join(current.answer_pieces)] if current else []
        return frozenset(run for text in texts for run in _runs_of(text))

    @cached_property
    def _lengths(self) -> list[int]:
        return sorted({len(run) for run in self._runs}, reverse=True)

    def out_of(self, text: str) -> str:
        """The text with each stretch that is made of such runs replaced. Names and figures, which have no blanks, are
        left as they are."""
        if self._current is None or " " not in text:
            return text
        # Escapes are blanked out and not taken out: every word stays in its place.
        found = list(_WORD.finditer(_ESCAPED.sub(lambda match: " " * len(match[0]), text)))
        words = [match[0].casefold() for match in found]
        stretches: list[list[int]] = []
        for start in range(len(words)):
            length = next((n for n in self._lengths if tuple(words[start : start + n]) in self._runs), 0)
            if length and stretches and start <= stretches[-1][1]:
                stretches[-1][1] = max(stretches[-1][1], start + length)
            elif length:
                stretches.append([start, start + length])
        for first, end in reversed(stretches):
            text = text[: found[first].start()] + TEXT + text[found[end - 1].end() :]
        return text


def _runs_of(text: str) -> Iterator[tuple[str, ...]]:
    words = [word.casefold() for word in _WORD.findall(text)]
    length = min(RUN, len(words))
    return (tuple(words[start : start + length]) for start in range(len(words) - length + 1) if length)


def secrets_of(settings: Mapping[str, Any]) -> list[str]:
    """All secrets among settings; of an address only its user's password, and of `name=value` the value, too."""
    values = [value.get_secret_value() for value in settings.values() if isinstance(value, SecretStr)]
    passwords = [match[1] for value in values if (match := re.match(r"\w+://[^/@:]*:([^/@]+)@", value))]
    plain = [value for value in values if "://" not in value]
    parts = [part.partition("=")[2] for value in plain for part in value.split(",") if "=" in part]
    return [*plain, *parts, *passwords, *map(unquote, passwords)]
