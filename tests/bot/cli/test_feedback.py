"""`footnoted feedback`: the rated answers, as text and as JSON."""

import json
from dataclasses import replace
from pathlib import Path

from redis.asyncio import Redis

from bot.app import Bot
from core.domain import Answer, AnswerTrace, Conversation, Footnote, Passage, Person, Question, ScoredPassage
from tests.bot.running import invoke_in_thread

ADA, BEN = Person("U1", "Ada"), Person("U2", "Ben")
PASSAGE = Passage("https://garden.example/bees", "Bees in winter", "Eating", "Bees eat honey.")
QUESTION = Question("What do bees eat?", Conversation("slack", "C1", "T1", "1.0"), ADA, id="q1")
ANSWER = Answer(
    "Honey [1].",
    grounded=True,
    footnotes=(Footnote(1, PASSAGE.title, PASSAGE.url, 0.9),),
    trace=AnswerTrace("What do bees eat?", 1.0, (ScoredPassage(PASSAGE, 0.9, 0.8, 0.7),)),
)


async def save_ratings(bot: Bot) -> None:
    """Save one answer that two users have rated."""
    await bot.question_store.save(QUESTION)
    await bot.question_store.save(QUESTION, ANSWER)
    await bot.feedback.vote("q1", ADA, "up")
    await bot.feedback.vote("q1", ADA, "down")
    await bot.feedback.add_reason("q1", ADA, "It is out of date.")
    await bot.feedback.vote("q1", BEN, "up")


async def test_each_answer_is_listed_with_its_question_votes_and_passages(
    bot: Bot, redis_url: str, tmp_path: Path
) -> None:
    await save_ratings(bot)
    done = await invoke_in_thread(tmp_path, "feedback", REDIS_URL=redis_url)
    assert done.returncode == 0
    for words in (
        "What do bees eat?",
        "👎 Ada: It is out of date.",
        "👍 Ben",
        "Honey [1].",
        "Bees in winter",
        "1 answer, 1 👍, 1 👎",
    ):
        assert words in done.stdout


async def test_json_output_holds_votes_reasons_and_passages(bot: Bot, redis_url: str, tmp_path: Path) -> None:
    await save_ratings(bot)
    [rated] = json.loads((await invoke_in_thread(tmp_path, "feedback", "--json", REDIS_URL=redis_url)).stdout)
    assert (rated["question"], rated["answer"], rated["channel"]) == ("What do bees eat?", "Honey [1].", "C1")
    assert {(vote["by"], vote["vote"], vote["reason"]) for vote in rated["votes"]} == {
        ("Ada", "down", "It is out of date."),
        ("Ben", "up", ""),
    }
    assert rated["passages"][0]["url"] == PASSAGE.url
    assert (rated["passages"][0]["meaning"], rated["passages"][0]["words"]) == (0.8, 0.7)


async def test_no_ratings_are_reported_in_a_sentence(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    done = await invoke_in_thread(tmp_path, "feedback", REDIS_URL=redis_url)
    assert "No answers have been rated yet" in done.stdout


async def test_control_characters_in_a_question_are_not_printed(bot: Bot, redis_url: str, tmp_path: Path) -> None:
    question = replace(QUESTION, text="What\x1b[2J do bees eat?")
    await bot.question_store.save(question)
    await bot.question_store.save(question, ANSWER)
    await bot.feedback.vote("q1", BEN, "up")
    done = await invoke_in_thread(tmp_path, "feedback", REDIS_URL=redis_url)
    assert "do bees eat?" in done.stdout
    assert "\x1b[2J" not in done.stdout
