"""`footnoted stats`: questions of a bot that served, reported by another process."""

import json
from pathlib import Path

import aiohttp
from redis.asyncio import Redis

from bot.app import Bot
from core.domain import Answer, Conversation, Person, Question
from core.storage.statistics import Statistics
from core.telemetry import QuestionFinished
from tests.adapters.garden import ASKED, OFF_TOPIC
from tests.bot.running import invoke_in_thread, make_home
from tests.bot.test_monitoring import watched
from tests.servers.loopback import Status
from tests.servers.openai import OpenAIServer, Text


async def asked(page: aiohttp.ClientSession, *questions: str) -> None:
    for question in questions:
        await (await page.post("/api/ask", json={"question": question, "conversation": "c"})).read()
        await page.post("/api/forget", json={"conversation": "c"})


async def test_stats_report_outcomes_costs_step_times_and_question_gaps(tmp_path: Path) -> None:
    async with OpenAIServer() as model:
        settings = {"OPENAI_BASE_URL": model.base_url, "CHAT_MODEL": "gpt-5.4-mini", "REDIS_URL": ""}
        home = make_home(tmp_path)
        async with watched(home, **settings) as (page, _):
            model.enqueue(Text("In the morning [1]."), Status(401))
            await asked(page, ASKED, ASKED, OFF_TOPIC, OFF_TOPIC.upper(), "How do I renew a passport?")
        shown = await printed(home, "stats", **settings)
        told = json.loads(await printed(home, "stats", "--json", "--days", "1", **settings))
    assert "Last 7 days" in shown
    assert "not in the posts" in shown
    assert "1 ModelRefused" in shown
    assert "2× " in shown
    assert OFF_TOPIC.upper() in shown or OFF_TOPIC in shown
    assert max(map(len, shown.splitlines())) <= 80
    counts = {outcome: count for outcome, count in told["questions"].items() if count}
    assert counts == {"asked": 5, "answered": 1, "failed": 1, "not_in_posts": 3}
    assert {"whole", "first_token", "retrieve", "embed"} == {step["step"] for step in told["steps"]}
    chat = next(each for each in told["models"] if each["model"] == "gpt-5.4-mini")
    assert chat["dollars"] > 0
    assert [gap["count"] for gap in told["gaps"]] == [2, 1]
    assert told["gaps"][1]["question"] == "How do I renew a passport?"


async def test_only_the_last_vote_of_each_user_counts(bot: Bot, redis: Redis, redis_url: str, tmp_path: Path) -> None:
    question = Question("Why?", Conversation("slack", "C1"), Person("U1", "Ann"))
    await bot.question_store.save(question)
    await bot.question_store.save(question, Answer("So.", grounded=True))
    await bot.feedback.vote(question.id, Person("U2"), "down")
    await bot.feedback.vote(question.id, Person("U2"), "up")
    await bot.feedback.vote(question.id, Person("U3"), "down")
    statistics = Statistics(redis)
    statistics(QuestionFinished(question.id, "slack", "answered", 0.0, 1.0))
    await statistics.aclose()
    told = json.loads(await printed(tmp_path, "stats", "--json", REDIS_URL=redis_url))
    assert told["votes"] == {"up": 1, "down": 1}
    assert "Ann" not in json.dumps(told)
    shown = await printed(tmp_path, "stats", REDIS_URL=redis_url)
    assert "Ratings: 1 👍, 1 👎" in shown
    assert "The posts answered every question." in shown


async def test_without_the_embedding_model_everything_except_gaps_is_reported(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    statistics = Statistics(redis)
    statistics(QuestionFinished("q1", "slack", "not_in_posts", 0.0, 1.0, gap="Why\x1b[2J?"))
    await statistics.aclose()
    shown = await printed(tmp_path, "stats", REDIS_URL=redis_url, OPENAI_BASE_URL="http://127.0.0.1:1/v1")
    assert "The embedding model is not available" in shown
    offline = await printed(tmp_path, "stats", REDIS_URL=redis_url)
    assert "Why" in offline
    assert "\x1b" not in offline


async def test_no_questions_are_reported_in_a_sentence(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    assert "no questions" in await printed(tmp_path, "stats", REDIS_URL=redis_url)


async def printed(home: Path, *arguments: str, **settings: str) -> str:
    """Return the output of a command that succeeds."""
    done = await invoke_in_thread(home, *arguments, **settings)
    assert done.returncode == 0, done.stderr
    return done.stdout
