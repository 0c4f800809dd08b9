"""`footnoted evaluate`: measure retrieval on questions whose right posts are known."""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from json import dumps
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from rich.console import Console
from rich.progress import track
from rich.table import Table

from adapters.console import print_json
from bot.app import Bot
from core.domain import SearchResults
from core.errors import Problem, StartupError

TOP_K = 5
MRR_K = 10
MAX_PROBLEMS = 10


class Example(BaseModel):
    """A line of a questions file: `url` names the right posts; the passages should contain one of `answers`."""

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
    """The result of one question. `rank` of the right post counts from 1; None if not found or not known."""

    example: Example
    results: SearchResults
    rank: int | None
    answer_found: bool | None

    def to_json(self) -> dict[str, Any]:
        """Return the result as a JSON object."""
        return {
            **self.example.model_dump(),
            "relevance": self.results.relevance,
            "confidence": self.results.confidence,
            "refused": self.results.confidence == "none",
            "rank": self.rank,
            "answer_found": self.answer_found,
            "found": [match.passage.url for match in self.results.posts[:MRR_K]],
        }


async def evaluate(
    bot: Bot, examples: Sequence[Example], out: Console, err: Console, json: bool = False, details: Path | None = None
) -> None:
    """Measure retrieval on the examples and print the metrics; write each result to the file `details`."""
    results = await evaluate_all(bot, examples, err)
    if details:
        await asyncio.to_thread(write_details, details, results)
    metrics = compute_metrics(results)
    if json:
        print_json(metrics)
    else:
        show_metrics(metrics, out)


async def evaluate_all(bot: Bot, examples: Sequence[Example], err: Console) -> list[Result]:
    """Search for each question in turn, with a progress bar."""
    tracked = track(examples, "Evaluating", auto_refresh=False, console=err, transient=True)
    return [await _evaluate(bot, example) for example in tracked]


def show_metrics(metrics: Mapping[str, float | int | None], out: Console) -> None:
    """Print the metrics as a table, with a dash for those that no question contributes to."""
    table = Table.grid(padding=(0, 2))
    for name, value in metrics.items():
        shown = "–" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
        table.add_row(name.replace("_", " "), shown)
    out.print(table)


def write_details(path: Path, results: Sequence[Result]) -> None:
    """Write one JSON line per question: what was found, the rank, and whether it was refused."""
    lines = (dumps(result.to_json(), ensure_ascii=False) + "\n" for result in results)
    path.write_text("".join(lines), encoding="utf-8")


def compute_metrics(results: Sequence[Result]) -> dict[str, float | int | None]:
    """Compute the metrics; None for those that no question contributes to."""
    answerable = [result for result in results if result.example.kind == "answerable"]
    ranked = [result for result in answerable if result.example.url]
    worded = [result for result in answerable if result.answer_found is not None]
    off_topic = [result for result in results if result.example.kind == "off-topic"]
    unanswerable = [result for result in results if result.example.kind == "unanswerable"]
    return {
        "questions": len(results),
        "hit_at_1": _share([result.rank == 1 for result in ranked]),
        "hit_at_5": _share([result.rank is not None and result.rank <= TOP_K for result in ranked]),
        "mrr_at_10": _mean([1 / result.rank if result.rank and result.rank <= MRR_K else 0.0 for result in ranked]),
        "answer_in_top_5": _share([bool(result.answer_found) for result in worded]),
        "off_topic_refused": _share([result.results.confidence == "none" for result in off_topic]),
        "answerable_refused": _share([result.results.confidence == "none" for result in answerable]),
        "unanswerable_refused": _share([result.results.confidence == "none" for result in unanswerable]),
    }


async def _evaluate(bot: Bot, example: Example) -> Result:
    before = example.earlier[-1] if example.earlier else ""
    found = await bot.retriever.search(example.question, before)
    posts = [_comparable(match.passage.url) for match in found.posts]
    right = {_comparable(url) for url in example.url}
    rank = next((rank for rank, url in enumerate(posts, start=1) if url in right), None)
    texts = [_plain(match.passage.text) for match in bot.retriever.select(found, TOP_K)]
    answer_found = any(_plain(answer) in text for answer in example.answers for text in texts)
    return Result(example, found, rank, answer_found if example.answers else None)


def read_examples(path: Path) -> list[Example]:
    """Read a questions file. Raises StartupError naming the invalid lines."""
    examples, problems = [], []
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise StartupError(Problem(f"{path} is not encoded in UTF-8.", "Save it as UTF-8.")) from None
    # Not `splitlines`: JSON strings may contain characters that it treats as line breaks.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            examples.append(Example.model_validate_json(line))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            problems.append(Problem(f"{path}, line {number}: {first['msg']}.", "Correct it."))
    if problems:
        raise StartupError(*problems[:MAX_PROBLEMS])
    return examples


def _comparable(url: str) -> str:
    return url.rstrip("/")


def _plain(text: str) -> str:
    """Strip case, Markdown characters and whitespace differences, for comparison."""
    return re.sub(r"\s+", " ", re.sub(r"[*_`\\]", "", text)).casefold().strip()


def _share(values: Sequence[bool]) -> float | None:
    return round(Counter(values)[True] / len(values), 4) if values else None


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None
