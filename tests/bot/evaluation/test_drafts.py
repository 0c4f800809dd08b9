"""Drafts of an operator's own questions, from the log, from headings and by the chat model."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.app import Bot, create_bot
from bot.cli.draft_questions import print_drafts
from bot.config.loader import load_settings
from bot.config.settings import OFFLINE_EMBEDDING_MODEL
from bot.evaluation.drafts import draft_questions
from bot.evaluation.examples import read_examples
from core.errors import ModelError
from core.storage.statistics import Statistics
from core.telemetry import QuestionFinished
from tests.adapters.conftest import unseen
from tests.adapters.garden import write_posts
from tests.adapters.test_console import Terminal
from tests.servers.loopback import Status
from tests.servers.openai import OpenAIServer, Text


@pytest.fixture
def garden(tmp_path: Path) -> Iterator[Path]:
    yield write_posts(tmp_path / "posts")


@asynccontextmanager
async def reading(garden: Path, redis_url: str, **given: str) -> AsyncIterator[Bot]:
    sources = [{"name": "garden", "folder": garden}]
    settings = await asyncio.to_thread(load_settings, redis_url=redis_url, sources=sources, **given)
    async with create_bot(settings) as bot:
        await bot.reindex(unseen)
        yield bot


async def unanswered(redis: Redis, *questions: str) -> None:
    statistics = Statistics(redis)
    for number, question in enumerate(questions):
        statistics(QuestionFinished(str(number), "slack", "not_in_posts", 0.0, 1.0, gap=question))
    await statistics.aclose()


async def test_headings_and_unanswered_questions_become_lines_that_evaluate_reads(
    redis: Redis, redis_url: str, garden: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await unanswered(redis, "When are tomatoes ripe?", "And bees? (after: Who sleeps in winter?)")
    told = Terminal(False)
    async with reading(garden, redis_url) as bot:
        capsys.readouterr()  # the log of the run
        code = await print_drafts(bot, 10, told.console)
    file = tmp_path / "questions.jsonl"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    drafts = {draft.question: draft for draft in await asyncio.to_thread(read_examples, file)}
    assert code == 0
    assert "2 from questions that were not answered, 3 from headings" in told.text
    assert drafts["When should tomatoes be watered?"].url == ("garden/tomatoes.md",)
    assert drafts["When should tomatoes be watered?"].kind == "answerable"
    assert drafts["When are tomatoes ripe?"].url == ("garden/tomatoes.md",)
    assert (drafts["And bees?"].kind, drafts["And bees?"].earlier) == ("unanswerable", ("Who sleeps in winter?",))
    assert all(draft.draft for draft in drafts.values())


async def test_chat_model_drafts_questions_about_posts_without_a_question(
    redis: Redis, redis_url: str, garden: Path
) -> None:
    async with OpenAIServer(answer=lambda _: Text("What do hedgehogs drink?\n\nPlain water.")) as model:
        openai = {
            "openai_api_key": "sk-test",
            "openai_base_url": model.base_url,
            "embedding_model": OFFLINE_EMBEDDING_MODEL,
        }
        async with reading(garden, redis_url, **openai) as bot:
            model.enqueue(Status(400))
            drafts = await draft_questions(bot, 10)
            by_model = [draft for draft in drafts if draft.draft == "model"]
            assert by_model
            assert {draft.question for draft in by_model} == {"What do hedgehogs drink?"}
            assert {draft.reference for draft in by_model} == {"Plain water."}
            urls = [url for draft in drafts for url in draft.url]
            assert len(urls) == len(set(urls))
            model.answer = lambda _: Status(400)
            with pytest.raises(ModelError):
                await draft_questions(bot, 10)


async def test_posts_without_a_question_and_without_a_model_say_so(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "posts"
    folder.mkdir()
    (folder / "one.md").write_text("# A post\n\nIt has a sentence.", encoding="utf-8")
    told = Terminal(False)
    async with reading(folder, redis_url) as bot:
        assert await print_drafts(bot, 10, told.console) == 1
    assert "No questions could be drafted" in told.text
