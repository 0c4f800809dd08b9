"""Measuring retrieval on questions whose right answer is known."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bot.app import Bot
from core.domain import SearchResults
from core.errors import Problem, StartupError

TOP = 5
MRR_AT = 10
MOST_PROBLEMS = 10


class Example(BaseModel):
    """One line of a questions file. `url` names the right posts, `answers` are words of which one has to be found."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    question: str
    earlier: tuple[str, ...] = ()
    url: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    kind: Literal["answerable", "unanswerable", "off-topic"] = "answerable"

    @field_validator("url", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Result:
    """How one question went. `rank` is the right post's, from 1, or None when it was not found or is not known."""

    example: Example
    findings: SearchResults
    rank: int | None
    answer_found: bool | None

    def document(self) -> dict[str, Any]:
        return {
            **self.example.model_dump(),
            "relevance": self.findings.relevance,
            "refused": not self.findings.relevant,
            "rank": self.rank,
            "answer_found": self.answer_found,
            "found": [match.passage.url for match in self.findings.posts[:MRR_AT]],
        }


async def ask_all(bot: Bot, examples: Sequence[Example], err: Console) -> list[Result]:
    """Searches for every question, one after another."""
    shown = track(examples, "Asking", auto_refresh=False, console=err, transient=True)
    return [await _result(bot, example) for example in shown]


def show(figures: Mapping[str, float | int | None], out: Console) -> None:
    """The figures as a table; a dash where the file has no question of the kind."""
    table = Table.grid(padding=(0, 2))
    for name, value in figures.items():
        shown = "–" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
        table.add_row(name.replace("_", " "), shown)
    out.print(table)


def write_details(path: Path, results: Sequence[Result]) -> None:
    """One JSON line for each question: what was found, at which place, and whether it was refused."""
    lines = (json.dumps(result.document(), ensure_ascii=False) + "\n" for result in results)
    path.write_text("".join(lines), encoding="utf-8")


def measure(results: Sequence[Result]) -> dict[str, float | int | None]:
    """The figures; None where no question says anything about one."""
    answerable = [result for result in results if result.example.kind == "answerable"]
    ranked = [result for result in answerable if result.example.url]
    worded = [result for result in answerable if result.answer_found is not None]
    off_topic = [result for result in results if result.example.kind == "off-topic"]
    unanswerable = [result for result in results if result.example.kind == "unanswerable"]
    return {
        "questions": len(results),
        "hit_at_1": _share([result.rank == 1 for result in ranked]),
        "hit_at_5": _share([result.rank is not None and result.rank <= TOP for result in ranked]),
        "mrr_at_10": _mean([1 / result.rank if result.rank and result.rank <= MRR_AT else 0.0 for result in ranked]),
        "answer_in_top_5": _share([bool(result.answer_found) for result in worded]),
        "off_topic_refused": _share([not result.findings.relevant for result in off_topic]),
        "answerable_refused": _share([not result.findings.relevant for result in answerable]),
        "unanswerable_refused": _share([not result.findings.relevant for result in unanswerable]),
    }


async def _result(bot: Bot, example: Example) -> Result:
    before = example.earlier[-1] if example.earlier else ""
    findings = await bot.retriever.search(example.question, before)
    posts = [_comparable(match.passage.url) for match in findings.posts]
    right = {_comparable(url) for url in example.url}
    rank = next((place for place, url in enumerate(posts, start=1) if url in right), None)
    texts = [_plain(match.passage.text) for match in bot.retriever.select(findings, TOP)]
    found = any(_plain(answer) in text for answer in example.answers for text in texts) if example.answers else None
    return Result(example, findings, rank, found)


def read_examples(path: Path) -> list[Example]:
    """The questions of a file. Raises StartupError naming every line that is none."""
    examples, problems = [], []
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise StartupError(Problem(f"{path} is not written in UTF-8.", "Save it in that encoding.")) from None
    # JSON may hold further signs that `splitlines` takes for the end of a line.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            examples.append(Example.model_validate_json(line))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            problems.append(Problem(f"{path}, line {number}: {first['msg']}.", "Correct it."))
    if problems:
        raise StartupError(*problems[:MOST_PROBLEMS])
    return examples


def _comparable(url: str) -> str:
    return url.rstrip("/")


def _plain(text: str) -> str:
    """For comparing an answer's words with a passage's: without case, marks of Markdown and kinds of blanks."""
    return re.sub(r"\s+", " ", re.sub(r"[*_`\\]", "", text)).casefold().strip()


def _share(values: Sequence[bool]) -> float | None:
    return round(Counter(values)[True] / len(values), 4) if values else None


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None
