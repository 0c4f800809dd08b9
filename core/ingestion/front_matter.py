"""Front matter of files: YAML, TOML or JSON before the text, as site generators read it."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import yaml
from dateutil import parser as dates

_FENCED = re.compile(
    r"\A\ufeff?(?P<fence>---|\+\+\+|;;;)[ \t]*(?P<format>yaml|toml|json)?[ \t]*\n"
    r"(?P<matter>.{0,65536}?)^(?:(?P=fence)|\.\.\.)[ \t]*(?:\n|\Z)",
    re.DOTALL | re.MULTILINE,
)
_JSON = re.compile(r"\A\ufeff?\{\s*(?:\"|\})")
_BROKEN_JSON = re.compile(r"\A.{0,65536}?^\}[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_FORMATS = {"---": "yaml", "+++": "toml", ";;;": "json"}
_NAMES = {"yaml": "YAML", "toml": "TOML", "json": "JSON"}

_FIELD = re.compile(r"^[\"']?([A-Za-z_][\w.-]{0,60})[\"']?[ \t]*[:=][ \t]*(.*?),?[ \t]*$", re.MULTILINE)
"""A field on a line of its own, in any of the formats."""

_FIELD_START = re.compile(r"^(?=[\"']?[A-Za-z_])", re.MULTILINE)
_NOT_SCALAR = ("[", "{", "&", "*", "|", ">", "!")
_ERRORS = (ValueError, yaml.YAMLError, RecursionError)
_MAX_NESTING = 100
_YAML_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Leaves every scalar as it is written: `1.10` is no number, and `2026-02-30` no error."""

_TRUE = frozenset(("true", "yes", "on", "y", "1"))
_FALSE = frozenset(("false", "no", "off", "n", "0"))
_PUBLISHED = ("date", "pubdate", "published", "publishdate", "publishedat", "datepublished", "createdat", "created")
_MODIFIED = ("lastmod", "lastmodified", "lastmodifiedat", "updated", "updatedat", "updateddate", "modified")
_MAX_DATE = 60


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The fields before a text, by their names in lower case without `-` and `_`, and the text. `error` says what is
    wrong with them and on which line of the file; fields that can be read all the same are there."""

    fields: Mapping[str, object]
    text: str
    error: str = ""

    def first(self, *names: str) -> str:
        """Return the first of these fields that has a value."""
        return next(filter(None, (scalar(self.fields.get(name)) for name in names)), "")

    def all(self, *names: str) -> tuple[str, ...]:
        """Return the values of these fields, each of which may be a list."""
        values = (self.fields.get(name) for name in names)
        listed = (value if isinstance(value, list) else [value] for value in values)
        return tuple(filter(None, (scalar(value) for row in listed for value in row)))

    @property
    def published(self) -> datetime | None:
        """When the text was published."""
        return self._date(_PUBLISHED)

    @property
    def modified(self) -> datetime | None:
        """When the text was last changed."""
        return self._date(_MODIFIED)

    @property
    def is_draft(self) -> bool:
        """Whether the site does not publish this file."""
        return (
            self.first("draft").lower() in _TRUE
            or any(self.first(name).lower() in _FALSE for name in ("published", "publish", "permalink"))
            or self.first("status").lower() == "draft"
        )

    def _date(self, names: tuple[str, ...]) -> datetime | None:
        return next(filter(None, (parse_date(self.first(name)) for name in names)), None)


def scalar(value: object) -> str:
    """Return a field's value as text; empty for a list or a table, which may be huge in an alias of YAML."""
    if isinstance(value, list | Mapping) or value is None:
        return ""
    return str(value).strip()


def split_front_matter(text: str) -> FrontMatter:
    """Split the front matter from the text; text between two rules is not front matter."""
    text = text.replace("\r\n", "\n")
    if _JSON.match(text):
        return _split_json(text)
    found = _FENCED.match(text)
    if not found:
        return FrontMatter({}, text)
    form = found["format"] or _FORMATS[found["fence"]]
    matter, rest = found["matter"], text[found.end() :]
    try:
        fields = _parse(form, matter)
    except _ERRORS as error:
        if form == "yaml" and not _FIELD.match(matter.lstrip()):
            return FrontMatter({}, text)
        return FrontMatter(_readable_fields(form, matter), rest, _describe(error, form, first_line=2))
    if not isinstance(fields, Mapping):
        return FrontMatter({}, text if matter.strip() else rest)
    return FrontMatter(_normalized(fields), rest)


def _split_json(text: str) -> FrontMatter:
    try:
        fields, end = json.JSONDecoder().raw_decode(text.lstrip("\ufeff"))
        return FrontMatter(_normalized(fields), text.lstrip("\ufeff")[end:].lstrip("\n"))
    except (ValueError, RecursionError) as error:
        matter = _BROKEN_JSON.match(text)
        if not matter:
            return FrontMatter({}, text)
        return FrontMatter(
            _readable_fields("json", matter[0]), text[matter.end() :], _describe(error, "json", first_line=1)
        )


def _parse(form: str, matter: str) -> object:
    match form:
        case "toml":
            return tomllib.loads(matter)
        case "json":
            return json.loads(matter)
        case _:
            # libyaml's loader descends without a limit.
            if max(map(matter.count, "[{")) > _MAX_NESTING or matter.count("- - ") > _MAX_NESTING:
                raise ValueError("it is nested too deeply")
            return yaml.load(matter, _YAML_LOADER)


def _normalized(fields: Mapping[Any, object]) -> dict[str, object]:
    return {re.sub(r"[-_ ]", "", str(name).lower()): value for name, value in fields.items() if isinstance(name, str)}


def _readable_fields(form: str, matter: str) -> dict[str, object]:
    """Return the fields of front matter that is broken elsewhere, or at them: `title: Foo: bar`."""
    fields: dict[str, object] = {}
    for part in _FIELD_START.split(matter):
        try:
            parsed = _parse(form, part)
        except _ERRORS:
            parsed = {name: _unquoted(value) for name, value in _FIELD.findall(part) if value[:1] not in _NOT_SCALAR}
        fields |= _normalized(parsed) if isinstance(parsed, Mapping) else {}
    return fields


def _unquoted(value: str) -> str:
    quoted = re.fullmatch(r"([\"'])(.*)\1", value)
    return quoted[2] if quoted else value


def _describe(error: Exception, form: str, first_line: int) -> str:
    line, problem = 0, str(error)
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        line, problem = error.problem_mark.line, error.problem or problem
    elif isinstance(error, json.JSONDecodeError):
        line, problem = error.lineno - 1, error.msg
    elif found := re.search(r" \(at line (\d+), column \d+\)", problem):  # tomllib
        line, problem = int(found[1]) - 1, problem[: found.start()]
    problem = " ".join(problem.split())[:100]
    return f"its front matter is not valid {_NAMES[form]} (line {line + first_line}: {problem})"


def parse_date(text: str) -> datetime | None:
    """Return the date in any common notation, None if it is none or ambiguous."""
    if not 6 <= len(text) <= _MAX_DATE:
        return None
    found: datetime | None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = _parse_words(re.sub(r"\A(\d{4})[/.](\d{1,2})[/.](\d{1,2})", r"\1-\2-\3", text))
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def _parse_words(text: str) -> datetime | None:
    """Parse twice, with other assumptions about what is left open: the same date means that nothing is."""
    iso, dotted = re.match(r"\d{4}-", text) is not None, re.match(r"\d{1,2}\.", text) is not None
    try:
        one, other = (
            dates.parse(text, default=default, dayfirst=day_first and not iso, tzinfos=_offset)
            for default, day_first in ((datetime(2000, 1, 1), dotted), (datetime(2001, 2, 2), True))
        )
    except (ValueError, OverflowError, TypeError):
        return None
    return one if one == other else None


def _offset(_: str | None, seconds: int | None) -> timezone:
    return timezone(timedelta(seconds=seconds or 0))
