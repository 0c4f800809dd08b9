"""Daily statistics of all processes together, with unanswered questions and without people."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from structlog.testing import capture_logs

from core.domain import Conversation, Person, Question
from core.storage import keys
from core.storage.connection import connect
from core.storage.question_store import QuestionStore
from core.storage.statistics import MAX_GAPS, RETENTION, Statistics, bucket_of, quantile
from core.telemetry import Outcome, QuestionFinished, RunFinished, StepTimed, Throttled, TokensUsed
from tests.servers.redis import redis_proxy

DAY = timedelta(days=1)


def settled(name: str = "q1", outcome: Outcome = "answered", error: str = "", gap: str = "") -> QuestionFinished:
    return QuestionFinished(name, "slack", outcome, 0.0, 1.0, error, gap)


@pytest.fixture
def statistics(redis: Redis) -> Statistics:
    return Statistics(redis)


async def test_processes_share_their_counters(redis: Redis, statistics: Statistics) -> None:
    other = Statistics(redis)
    for each in (statistics, other):
        each(StepTimed("whole", 0.0, 2.0))
        each(TokensUsed("gpt:5", 100, 10))
        each(Throttled("slack"))
        each(RunFinished("published"))
        each(settled())
    other(settled("q2", "failed", "ModelBusy"))
    other(settled("q3", "refused", "TooManyQuestions"))
    await asyncio.gather(statistics.aclose(), other.aclose())
    figures = await statistics.figures(1)
    assert figures.since == datetime.now(UTC).date()
    assert figures.questions == {"slack": {"answered": 2, "failed": 1, "refused": 1}}
    assert figures.failures == {"ModelBusy": 1}
    assert [(each.model, each.read, each.written) for each in figures.usage] == [("gpt:5", 200, 20)]
    assert figures.runs == {"published": 2}
    [whole] = figures.steps
    assert (whole.step, whole.count, whole.median) == ("whole", 2, 2.0)


async def test_only_requested_days_count_and_all_expire(redis: Redis, statistics: Statistics) -> None:
    statistics(settled())
    await statistics.aclose()
    yesterday = (datetime.now(UTC) - DAY).date().isoformat()
    await redis.hset(keys.statistics(yesterday), "questions:answered:web", "5")
    assert (await statistics.figures(1)).questions == {"slack": {"answered": 1}}
    assert (await statistics.figures(2)).questions == {"slack": {"answered": 1}, "web": {"answered": 5}}
    left = await redis.ttl(keys.statistics(datetime.now(UTC).date().isoformat()))
    assert RETENTION.total_seconds() - 60 < left <= RETENTION.total_seconds()


async def test_unanswered_questions_expire_like_conversations(redis: Redis) -> None:
    statistics = Statistics(redis, gap_ttl=timedelta(hours=12))
    statistics(settled("q1", "not_in_posts", gap="What do moles eat?"))
    statistics(settled("q2", "not_in_posts", gap="What do owls eat?"))
    await statistics.aclose()
    assert [gap.text for gap in await statistics.gaps(1, 10)] == ["What do owls eat?", "What do moles eat?"]
    assert [gap.text for gap in await statistics.gaps(1, 1)] == ["What do owls eat?"]
    for key in (keys.GAPS, keys.gap("q1")):
        assert 0 < await redis.ttl(key) <= 12 * 3600


async def test_forgetting_a_conversation_deletes_its_unanswered_questions(redis: Redis, statistics: Statistics) -> None:
    answers, place = QuestionStore(redis, DAY), Conversation("slack", "C1", "T1")
    question = Question("What do moles eat?", place, Person("U1", "Ann"))
    await answers.save(question)
    statistics(settled(question.id, "not_in_posts", gap=question.text))
    statistics(settled("other", "not_in_posts", gap="What do owls eat?"))
    await statistics.aclose()
    await answers.forget(place)
    assert [gap.text for gap in await statistics.gaps(1, 10)] == ["What do owls eat?"]


async def test_oldest_unanswered_questions_are_dropped_at_the_limit(redis: Redis, statistics: Statistics) -> None:
    await redis.zadd(keys.GAPS, {f"old{number}": 1e9 + number for number in range(MAX_GAPS)})
    statistics(settled("new", "not_in_posts", gap="Why?"))
    await statistics.aclose()
    assert await redis.zcard(keys.GAPS) <= MAX_GAPS
    assert await redis.zscore(keys.GAPS, "new")


async def test_statistics_of_an_outage_are_written_afterwards(redis_url: str, redis: Redis) -> None:
    async with redis_proxy(redis_url) as line, connect(line.address) as client:
        statistics = Statistics(client)
        line.cut()
        with capture_logs() as logged:
            statistics(settled("q1", "not_in_posts", gap="Why?"))
            async with asyncio.timeout(20):
                while not logged:
                    await asyncio.sleep(0.02)
        assert logged[0]["event"] == "statistics not written yet"
        line.restore()
        statistics(settled("q2"))
        await statistics.aclose()
    there = Statistics(redis)
    assert (await there.figures(1)).questions == {"slack": {"not_in_posts": 1, "answered": 1}}
    assert [gap.text for gap in await there.gaps(1, 10)] == ["Why?"]


@given(st.lists(st.floats(0.001, 120), min_size=1, max_size=50))
def test_percentiles_are_accurate_to_a_fifth(times: list[float]) -> None:
    buckets = Counter(map(bucket_of, times))
    exact = sorted(times)[-(-len(times) * 95 // 100) - 1]
    assert exact <= quantile(buckets, 0.95) * 1.0001
    assert quantile(buckets, 0.95) <= exact * 1.2
