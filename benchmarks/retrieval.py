"""Measure retrieval on sets of questions: what is found, what is refused, and what each step of the search adds.

Run `python -m benchmarks.retrieval FOLDER... [--index FOLDER] [--steps]`.

A set is a folder with `posts.jsonl` (slug, title, date, html) and `questions.jsonl` (question, earlier, kind, answers,
and `slug` with the right post or posts); a folder of such folders counts as all of them. The posts are served as a blog
on loopback and read as the bot reads any feed. With `--index`, the indexes are kept there, and built again only when
the code that builds them has changed.

Off-topic questions are asked twice: as first questions, and behind a conversation of the set. A set without any takes
the answerable first questions of the first other set that has them.
"""

import argparse
import asyncio
import hashlib
import importlib
import json
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from time import perf_counter

from benchmarks.retrieval_steps import STEPS, rank_by_step, slug_of
from bot.app import Bot, create_bot
from bot.config.loader import load_settings
from bot.embedded_redis import embedded_redis
from bot.evaluation.examples import Example
from bot.evaluation.measurement import measure_search
from bot.evaluation.metrics import Metrics, compute_metrics, mean, share
from bot.evaluation.results import Result, rank_of
from core.index.version import live_version
from tests.servers.blog import Blog, load

BUILT_WITH = "benchmark:code"
"""The digest of the code that built an index, in the same Redis."""
INDEXING_CODE = ("core/index", "core/indexing", "core/ingestion", "core/language", "core/markdown.py")
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions about the posts of one folder; the right posts are named by slug."""

    name: str
    folder: Path
    examples: Sequence[Example]

    @property
    def off_topic(self) -> list[str]:
        return [example.question for example in self.examples if example.kind == "off-topic"]

    @property
    def answerable(self) -> list[Example]:
        return [example for example in self.examples if example.kind == "answerable"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--index", type=Path, metavar="FOLDER", help="keep the indexes here for the next run")
    parser.add_argument("--steps", action="store_true", help="also show what each step of the search adds")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="ask only every Nth question")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write each result to this file, as JSON Lines")
    parser.add_argument(
        "--set", action="append", default=[], metavar="MODULE.NAME=VALUE", help="change a constant, for ablations"
    )
    options = parser.parse_args()
    for change in options.set:
        change_constant(change)
    sets = with_off_topic(read_sets(options.folders))
    if options.index:
        asyncio.run(measure_all(sets, options.index, options))
    else:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measure_all(sets, Path(folder), options))


def change_constant(change: str) -> None:
    """Set a module's constant, in the module that uses it: `core.retrieval.retriever.SENTENCE_BONUS=0`."""
    path, _, value = change.partition("=")
    module, _, name = path.rpartition(".")
    target = importlib.import_module(module)
    if not hasattr(target, name):
        raise SystemExit(f"{module} has no {name}")
    setattr(target, name, json.loads(value))


def read_sets(folders: Sequence[Path]) -> list[QuestionSet]:
    """Read the sets in these folders, or one level below them."""
    found = [
        path.parent
        for folder in folders
        for path in sorted((*folder.glob("posts.jsonl"), *folder.glob("*/posts.jsonl")))
    ]
    return [
        QuestionSet(folder.name, folder, read_questions(folder))
        for folder in found
        if (folder / "questions.jsonl").exists()
    ]


def read_questions(folder: Path) -> list[Example]:
    """Read a set's questions; `url` holds the slugs of the right posts."""
    lines = (folder / "questions.jsonl").read_text(encoding="utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line.strip()]
    return [Example.model_validate({"url": row.get("slug") or (), **row}) for row in rows]


def with_off_topic(sets: Sequence[QuestionSet]) -> list[QuestionSet]:
    """Add off-topic follow-ups, and off-topic questions where a set has none."""
    completed = []
    for each in sets:
        off_topic = each.off_topic
        added = []
        if not off_topic:
            other = next((other for other in sets if other is not each and other.off_topic), None)
            off_topic = [example.question for example in other.answerable if not example.earlier] if other else []
            added = [Example(question=question, kind="off-topic") for question in off_topic]
        before = [(*example.earlier, example.question) for example in each.answerable]
        added += [
            Example(question=question, kind="off-topic", earlier=earlier)
            for question, earlier in zip(off_topic, cycle(before), strict=False)
        ]
        completed.append(replace(each, examples=[*each.examples, *added]))
    return completed


async def measure_all(sets: Sequence[QuestionSet], folder: Path, options: argparse.Namespace) -> None:
    """Measure one set after another, and print the tables."""
    results: dict[str, list[Result]] = {}
    steps: dict[str, Mapping[str, list[int | None]]] = {}
    for each in sets:
        began = perf_counter()
        asked = each.examples[:: options.every]
        async with indexed(each, folder / each.name) as bot:
            results[each.name] = [_by_slug(await measure_search(bot, example), example) for example in asked]
            if options.steps:
                ranked = [example for example in asked if example.kind == "answerable" and example.url]
                steps[each.name] = await rank_by_step(bot, ranked)
        print(f"{each.name}: {len(asked)} questions in {perf_counter() - began:.1f} s", flush=True)
    if options.save:
        lines = (result.model_dump_json() + "\n" for group in results.values() for result in group)
        options.save.write_text("".join(lines), encoding="utf-8")
    print("\n".join(("", *quality_table(results), "", *steps_table(steps))))


@asynccontextmanager
async def indexed(each: QuestionSet, folder: Path) -> AsyncIterator[Bot]:
    """Yield a bot that has read the posts of a set, from an earlier run if the same code did."""
    code = _indexing_code()
    posts = load(each.folder)
    with embedded_redis(folder) as url:
        async with Blog(posts) as blog, create_bot(load_settings(redis_url=url, feeds=[blog.url("/feed/")])) as bot:
            if await bot.redis.get(BUILT_WITH) != code.encode() or await live_version(bot.redis) is None:
                await bot.redis.flushall()
                await bot.reindex(lambda _: None)
                await bot.redis.set(BUILT_WITH, code)
            stored = (await bot.catalog.stats()).posts
            if stored != len(posts):
                raise RuntimeError(f"{each.name}: {stored} of {len(posts)} posts were indexed")
            yield bot


def _indexing_code() -> str:
    """Digest the code that decides what an index holds."""
    files = (path for name in INDEXING_CODE for path in sorted((*ROOT.glob(name), *ROOT.glob(f"{name}/**/*.py"))))
    content = b"".join(path.read_bytes() for path in files if path.is_file())
    return hashlib.sha256(content).hexdigest()


def _by_slug(result: Result, example: Example) -> Result:
    slugs = tuple(map(slug_of, result.found))
    return result.model_copy(update={"found": slugs, "rank": rank_of(example.url, slugs)})


def quality_table(results: Mapping[str, Sequence[Result]]) -> list[str]:
    """Return a Markdown table with a row per set, for first questions and follow-ups."""
    rows = ["| questions | hit@1 | hit@5 | MRR@10 | answerable refused / unsure | off-topic refused / unsure / sure |"]
    rows.append("|---" * 6 + "|")
    for name, group in results.items():
        for label, turns in (
            (name, [result for result in group if not result.earlier]),
            (f"{name}, follow-ups", [result for result in group if result.earlier]),
        ):
            if turns:
                rows.append(_quality_row(label, compute_metrics(turns)))
    return rows


def _quality_row(label: str, metrics: Metrics) -> str:
    refused, unsure = metrics["off_topic_refused"], metrics["off_topic_unsure"]
    sure = None if refused is None or unsure is None else max(0.0, 1 - refused - unsure)
    cells = (
        _figures(metrics["hit_at_1"]),
        _figures(metrics["hit_at_5"]),
        _figures(metrics["mrr_at_10"]),
        _figures(metrics["answerable_refused"], metrics["answerable_unsure"]),
        _figures(refused, unsure, sure),
    )
    return f"| {label} ({metrics['questions']}) | {' | '.join(cells)} |"


def steps_table(steps: Mapping[str, Mapping[str, Sequence[int | None]]]) -> list[str]:
    """Return a Markdown table of hit@1 / MRR@10, with a column per step."""
    if not steps:
        return []
    rows = [f"| hit@1 / MRR@10 | {' | '.join(STEPS)} |", "|---" * (len(STEPS) + 1) + "|"]
    for name, by_step in steps.items():
        cells = (
            _figures(share(rank == 1 for rank in ranks), mean(1 / rank if rank and rank <= 10 else 0 for rank in ranks))
            for ranks in (by_step[step] for step in STEPS)
        )
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def _figures(*figures: float | int | None) -> str:
    return " / ".join("–" if figure is None else f"{figure:.3f}" for figure in figures)


if __name__ == "__main__":
    main()
