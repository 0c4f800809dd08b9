"""Log redaction: secrets always, texts of questions and posts unless LOG_TEXT is on.

It processes every log line, including those of libraries and tracebacks. What commands print loses only the bot's own
secrets, since posts may show what a key looks like.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from functools import cached_property
from typing import Any, TextIO
from urllib.parse import quote, unquote

from pydantic import SecretStr

from core.telemetry import QuestionContext, question_context

SECRET = "[secret]"
TEXT = "[text]"

SHORTEST_SECRET = 4
"""Characters; a shorter secret would match parts of ordinary words."""

SHORTEST_PRINTED = 8
"""The same for what commands print, where words are read by people and programs."""

RUN = 4
"""Length in words of the runs by which a text is recognized, even if cut, quoted or escaped."""

_LOOKS_SECRET = re.compile(
    r"xox[a-z]-[\w-]+|xapp-[\w-]+|\bsk-[\w-]{8,}"
    r"|\b[MNO][\w-]{22,27}\.[\w-]{6}\.[\w-]{27,}"  # Discord bot token
    r"|(?<=Bearer )[\w.~+/=-]{6,}|(?<=Bot )[\w.-]{30,}"
    r"|(?<=://)[^\s/@]+(?=@)"  # user and password in a URL
    r"|(?<=/webhooks/)\d+/[\w-]{20,}"
)
_ECHOED = re.compile(r"(?<=input_value=).*?(?=, input_type=)", re.DOTALL)
"""The value that pydantic quotes in a validation error."""

_WORD = re.compile(r"[^\W_]+")
_ESCAPED = re.compile(r"\\u[0-9a-fA-F]{4}|\\[nrt]")


class LogRedactor:
    """A structlog processor. Redacts `secrets` by value, and others by their format.

    The `event` of the bot's own log lines is a constant, and so needs no redaction of texts.
    """

    def __init__(self, secrets: Iterable[str] = (), log_text: bool = False) -> None:
        self._known = _pattern_of(secrets, SHORTEST_SECRET)
        self._log_text = log_text

    def __call__(self, _: Any, __: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
        runs = _Runs(None if self._log_text else question_context.get())
        own = {"event"} if event.pop("own", False) else set()
        return {name: self._redact(value, _Runs(None) if name in own else runs) for name, value in event.items()}

    def _redact(self, value: Any, runs: "_Runs") -> Any:
        match value:
            case None | bool() | int() | float():
                return value
            case str():
                text = self._known.sub(SECRET, value) if self._known else value
                text = _LOOKS_SECRET.sub(SECRET, text)
                return text if self._log_text else runs.redact(_ECHOED.sub(TEXT, text))
            case Mapping():
                return {str(name): self._redact(each, runs) for name, each in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._redact(each, runs) for each in value]
            case _:
                return self._redact(repr(value), runs)


class RedactedOutput:
    """A text stream that writes to another one, without these secrets."""

    def __init__(self, stream: TextIO, secrets: Iterable[str]) -> None:
        self._stream = stream
        self._known = _pattern_of(secrets, SHORTEST_PRINTED)

    def write(self, text: str) -> int:
        self._stream.write(self._known.sub(SECRET, text) if self._known else text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _pattern_of(secrets: Iterable[str], shortest: int) -> re.Pattern[str] | None:
    """Return a pattern of secrets, also as they are written in URLs; None without any."""
    known = {secret for secret in secrets if len(secret) >= shortest}
    known |= {quote(secret, safe="") for secret in known}
    longest_first = sorted(known, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if known else None


class _Runs:
    """The word runs to redact: those of the current question, or none."""

    def __init__(self, current: QuestionContext | None) -> None:
        self._current = current

    @cached_property
    def _runs(self) -> frozenset[tuple[str, ...]]:
        # Lazy, because most lines contain only names and numbers.
        current = self._current
        texts = [current.question, *current.private_texts, "".join(current.answer_pieces)] if current else []
        return frozenset(run for text in texts for run in _runs_of(text))

    @cached_property
    def _lengths(self) -> list[int]:
        return sorted({len(run) for run in self._runs}, reverse=True)

    def redact(self, text: str) -> str:
        """Replace each stretch of such runs. Text without spaces is a name or a number, and stays."""
        if self._current is None or " " not in text:
            return text
        # Replace escapes by spaces of equal length, to keep the positions.
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
    """Return all secrets: of a URL only the password, of `name=value` also the value."""
    values = [value.get_secret_value() for value in settings.values() if isinstance(value, SecretStr)]
    passwords = [match[1] for value in values if (match := re.match(r"\w+://[^/@:]*:([^/@]+)@", value))]
    plain = [value for value in values if "://" not in value]
    parts = [part.partition("=")[2] for value in plain for part in value.split(",") if "=" in part]
    return [*plain, *parts, *passwords, *map(unquote, passwords)]
