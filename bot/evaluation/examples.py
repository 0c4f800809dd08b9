"""The questions file: one example per line, as JSON."""

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from core.errors import Problem, StartupError

MAX_PROBLEMS = 10

Kind = Literal["answerable", "unanswerable", "off-topic", "underspecified"]
KINDS: tuple[Kind, ...] = ("answerable", "unanswerable", "off-topic", "underspecified")


Line = TypeVar("Line", bound=BaseModel)


class Example(BaseModel):
    """A line of a questions file: `url` names the right posts; the passages should contain one of `answers`.

    `reference` is an answer that a person wrote. `draft` says where an unchecked line comes from.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    question: str
    earlier: tuple[str, ...] = ()
    url: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    kind: Kind = "answerable"
    language: str = ""
    reference: str = ""
    draft: str = ""

    @field_validator("url", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value


def read_examples(path: Path) -> list[Example]:
    """Read a questions file. Raises StartupError naming the invalid lines."""
    return read_lines(path, Example)


def read_lines(path: Path, line_type: type[Line]) -> list[Line]:
    """Read a JSON Lines file, without its empty lines. Raises StartupError naming the invalid lines."""
    lines, problems = [], []
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise StartupError(Problem(f"{path} is not encoded in UTF-8.", "Save it as UTF-8.")) from None
    # Not `splitlines`: JSON strings may contain characters that it treats as line breaks.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            lines.append(line_type.model_validate_json(line))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            problems.append(Problem(f"{path}, line {number}: {first['msg']}.", "Correct it."))
    if problems:
        raise StartupError(*problems[:MAX_PROBLEMS])
    return lines
