"""`footnoted feedback`: what people think of the answers, readable and as a document."""

import json
from dataclasses import replace
from pathlib import Path

from redis.asyncio import Redis

from bot.app import Bot
from core.domain import Answer, AnswerTrace, Conversation, Footnote, Passage, Person, Question, ScoredPassage
from tests.bot.running import footnoted, make_home

ADA, BEN = Person("U1", "Ada"), Person("U2", "Ben")
PASSAGE = Passage("https://garden.example/bees", "Bees in winter", "Eating", "Bees eat honey.")
QUESTION = Question("What do bees eat?", Conversation("slack", "C1", "T1", "1.0"), ADA, id="q1")
ANSWER = Answer(
    "Honey [1].",
    grounded=True,
    footnotes=(Footnote(1, PASSAGE.title, PASSAGE.url, 0.9),),
    trace=AnswerTrace("What do bees eat?", 1.0, (ScoredPassage(PASSAGE, 0.9, 0.8, 0.7),)),
)


async def voted(bot: Bot) -> None:
    await bot.question_store.save(QUESTION)
    await bot.question_store.save(QUESTION, ANSWER)
    await bot.feedback.vote("q1", ADA, "up")
    await bot.feedback.vote("q1", ADA, "down")
    await bot.feedback.add_reason("q1", ADA, "It is out of date.")
    await bot.feedback.vote("q1", BEN, "up")


async def test_each_answer_is_listed_with_its_question_votes_and_passages(
    bot: Bot, redis_url: str, tmp_path: Path
) -> None:
    await voted(bot)
    done = footnoted(make_home(tmp_path), "feedback", REDIS_URL=redis_url)
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


async def test_the_document_holds_all_of_it(bot: Bot, redis_url: str, tmp_path: Path) -> None:
    await voted(bot)
    [judged] = json.loads(footnoted(make_home(tmp_path), "feedback", "--json", REDIS_URL=redis_url).stdout)
    assert (judged["question"], judged["answer"], judged["channel"]) == ("What do bees eat?", "Honey [1].", "C1")
    assert {(vote["by"], vote["vote"], vote["reason"]) for vote in judged["votes"]} == {
        ("Ada", "down", "It is out of date."),
        ("Ben", "up", ""),
    }
    assert judged["passages"][0]["url"] == PASSAGE.url
    assert (judged["passages"][0]["meaning"], judged["passages"][0]["words"]) == (0.8, 0.7)


async def test_without_votes_it_says_so(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    assert "No answers have been rated yet" in footnoted(make_home(tmp_path), "feedback", REDIS_URL=redis_url).stdout


async def test_titles_cannot_steer_the_terminal(bot: Bot, redis_url: str, tmp_path: Path) -> None:
    await bot.question_store.save(replace(QUESTION, text="What\x1b[2J do bees eat?"), ANSWER)
    await bot.feedback.vote("q1", BEN, "up")
    assert "\x1b[2J" not in footnoted(make_home(tmp_path), "feedback", REDIS_URL=redis_url).stdout
