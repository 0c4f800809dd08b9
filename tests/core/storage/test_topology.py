"""Storage works on a cluster of plain Redis servers and behind a sentinel; missing search is reported."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from core.domain import Answer, Conversation, Person, Question, Turn
from core.events import Claim, Event
from core.index.version import live_version
from core.storage import keys
from core.storage.connection import CLUSTER_WITHOUT_SEARCH, check_server, connect
from core.storage.erasure import ErasedCounts, PersonEraser
from core.storage.event_claims import EventClaims
from core.storage.feedback import Feedback
from core.storage.history import History
from core.storage.lease import LeaseHeldError, holder_of, lease
from core.storage.question_store import QuestionStore
from core.storage.rate_limiter import RateLimiter
from core.storage.reply_messages import ReplyMessages
from core.storage.token_usage import TokenUsage
from core.storage.topology import Address, address_of
from tests.core.storage.servers import cluster, guarded

DAY = timedelta(days=1)
ANN = Person("U1", "Ann")
TURNS = (Turn("user", "What do bees eat?"), Turn("assistant", "Honey."))
PLACES = [Conversation("slack", f"C{number}", "T1", thread) for number in range(10) for thread in ("", "1", "2")]


@pytest.fixture(scope="module", params=["cluster", "sentinel"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    kinds = {"cluster": cluster, "sentinel": guarded}
    with kinds[request.param](tmp_path_factory.mktemp(request.param)) as url:
        yield url


@pytest.fixture
async def redis(address: str) -> AsyncIterator[Redis]:
    client = connect(address)
    await client.flushall()
    yield client
    await client.aclose()


async def test_conversations_are_kept_and_forgotten_with_their_threads(redis: Redis) -> None:
    history = History(redis, 10, DAY)
    for place in PLACES:
        await history.append(place, *TURNS)
    assert [await history.turns(place) for place in PLACES] == [TURNS] * len(PLACES)
    await history.remove_exchange(PLACES[0], TURNS[0].content)
    await history.forget(PLACES[3])
    assert [len(await history.turns(place)) for place in PLACES[:7]] == [0, 2, 2, 0, 0, 0, 2]


async def test_answers_and_votes_are_kept(redis: Redis) -> None:
    answers = QuestionStore(redis, DAY)
    feedback = Feedback(redis, answers, DAY)
    asked = [Question(f"What do bees eat? {number}", place, ANN) for number, place in enumerate(PLACES)]
    for question in asked:
        await answers.save(question)
        await answers.save(question, Answer("Honey.", grounded=False))
        await feedback.vote(question.id, ANN, "up")
    assert len(await feedback.rated_answers(100)) == len(asked)
    await answers.forget(PLACES[0])
    assert await answers.get(asked[0].id), "its asker has voted on it"


async def test_person_is_erased_on_all_nodes(redis: Redis) -> None:
    history, answers = History(redis, 10, DAY), QuestionStore(redis, DAY)
    feedback = Feedback(redis, answers, DAY)
    for person in (ANN, Person("U2", "Bob")):
        for place in PLACES:
            question = Question("What do bees eat?", place, person)
            await answers.save(question)
            await feedback.vote(question.id, ANN, "up")
            await history.append(place, *TURNS, person=person)
    forgotten = await PersonEraser(redis, history, answers, feedback).forget("slack", ANN.id)
    assert forgotten == ErasedCounts(questions=len(PLACES), turns=2 * len(PLACES), votes=2 * len(PLACES))
    assert [len(await history.turns(place)) for place in PLACES] == [2] * len(PLACES)


async def test_rate_limits_and_token_usage_are_shared(redis: Redis, address: str) -> None:
    other = connect(address)
    waits = [await RateLimiter(client).hit("quota:person:{x}", 3) for client in (redis, other) * 2]
    assert [bool(wait) for wait in waits] == [False, False, False, True]
    question = Question("What do bees eat?", PLACES[0], ANN)
    await TokenUsage(redis).add(question, 40)
    await TokenUsage(other).add(question, 2)
    spent = await TokenUsage(redis).used_today(question)
    assert (spent.whole, spent.person) == (42, 42)
    await other.aclose()


async def test_one_process_claims_an_event_and_orphaned_events_are_taken_over(redis: Redis, address: str) -> None:
    clients = [connect(address) for _ in range(3)]
    processes = [EventClaims(client, "slack") for client in clients]
    events = [Event((f"T1:C1:{number}", f"Ev{number}"), {"number": number}) for number in range(20)]
    async with AsyncExitStack() as heartbeats:
        for process in processes:
            await heartbeats.enter_async_context(process.heartbeat())
        claims = [await asyncio.gather(*(process.claim(event) for process in processes)) for event in events]
        assert all(sorted(each, key=bool) == [None, None, Claim.NEW] for each in claims)
        assert await redis.hlen(keys.pending_events("slack")) == 20
    heir = EventClaims(redis, "slack")
    async with heir.heartbeat():
        assert len(await heir.claim_orphaned()) == 20
        for event in events:
            await heir.complete(event)
    assert await redis.hlen(keys.pending_events("slack")) == 0
    assert await processes[0].claim(events[0]) is None
    for client in clients:
        await client.aclose()


async def test_reply_messages_are_kept(redis: Redis) -> None:
    replies = ReplyMessages(redis, "slack")
    await replies.note("1.1", ["2.1", "2.2"])
    assert await replies.messages_of("1.1") == ("2.1", "2.2")
    assert await replies.unclaimed(["2.1", "3.1"]) == ["3.1"]


async def test_lease_has_one_holder(redis: Redis, address: str) -> None:
    other = connect(address)
    async with lease(redis, keys.RUN_LEASE, "run-1"):
        assert await holder_of(other, keys.RUN_LEASE) == "run-1"
        with pytest.raises(LeaseHeldError):
            async with lease(other, keys.RUN_LEASE, "run-2"):
                pass
    assert await holder_of(other, keys.RUN_LEASE) is None
    await other.aclose()


async def test_missing_search_is_a_problem(redis: Redis, address: str) -> None:
    [problem] = await check_server(redis)
    if "cluster" in address:
        assert problem == CLUSTER_WITHOUT_SEARCH
    else:
        assert problem.what == "This Redis has no search module."


@pytest.mark.parametrize("kind", ["cluster", "sentinel"])
async def test_missing_servers_cannot_be_reached(kind: str) -> None:
    client = connect(f"redis+{kind}://127.0.0.1:1,127.0.0.1:2{'/main' if kind == 'sentinel' else ''}")
    [problem] = await check_server(client)
    assert problem.what == "Redis cannot be reached."
    await client.aclose()


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://h:1", None),
        ("unix:///a+b://", None),
        ("redis+cluster://h", Address("cluster", False, (("h", 6379),), "", None, None)),
        ("rediss+cluster://u:p%40@h:1,i:2/", Address("cluster", True, (("h", 1), ("i", 2)), "", "u", "p@")),
        ("redis+sentinel://:pw@h,i:2/main", Address("sentinel", False, (("h", 26379), ("i", 2)), "main", None, "pw")),
    ],
)
def test_addresses_of_several_servers_are_parsed(url: str, address: Address | None) -> None:
    assert address_of(url) == address


@pytest.mark.parametrize(
    "url",
    ["redis+sentinel://h:1", "redis+cluster://h:1/name", "redis+cluster://", "redis+else://h", "redis+cluster://h:x"],
)
def test_malformed_addresses_are_rejected(url: str) -> None:
    with pytest.raises(ValueError):
        address_of(url)


async def test_search_without_search_module_fails_as_a_response_error(redis: Redis) -> None:
    with pytest.raises(ResponseError, match=r"(?i)unknown command"):
        await live_version(redis)
