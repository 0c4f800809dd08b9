"""The desk gives a platform what belongs to the channel that asks, and takes away what is to be forgotten."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from redis.asyncio import Redis

from core.answering.channel_scope import Channel, Channels
from core.chat.services import ChatServices
from core.domain import Answer, Conversation, Person, Question, Turn
from core.index.catalog import Catalog
from core.indexing.progress import Report
from core.indexing.reindexer import Reindexer
from core.models.extractive_chat import ExtractiveChatModel
from core.models.offline_embedder import OfflineEmbedder
from core.storage.event_claims import EventClaims
from core.storage.feedback import Feedback
from core.storage.history import History
from core.storage.question_store import QuestionStore
from core.storage.reply_messages import ReplyMessages
from tests.core.answering.collected import rag_answerer
from tests.core.index.shelves import shelved
from tests.posts import POSTS

DAY = timedelta(days=1)
ANN, BOB = Person("U1", "Ann"), Person("U2", "Bob")
BOARD = Conversation("slack", "BOARD", "T1")
GENERAL = Conversation("slack", "GENERAL", "T1")
THREAD = replace(GENERAL, thread="1.0")


@pytest.fixture
def desk(redis: Redis, embedder: OfflineEmbedder) -> ChatServices:
    answers = QuestionStore(redis, DAY)
    return ChatServices(
        platform="slack",
        asker=rag_answerer(redis, embedder, ExtractiveChatModel(embedder)),
        channels=Channels([Channel("slack", "BOARD", frozenset({"minutes"}))], ["blog", "minutes"]),
        library=Catalog(redis),
        history=History(redis, 10, DAY),
        answers=answers,
        feedback=Feedback(redis, answers, DAY),
        once=EventClaims(redis, "slack"),
        replies=ReplyMessages(redis, "slack"),
        reindexer=Reindexer(redis, ["blog", "minutes"], never, partial(never, None, None)),
    )


async def never(order: object, tell: object) -> Report:
    raise AssertionError("nobody reads here")


async def asked(desk: ChatServices, place: Conversation) -> Question:
    question = Question("What do bees eat?", place, ANN)
    await desk.answers.save(question)
    await desk.answers.save(question, Answer("Honey [1].", grounded=True))
    await desk.history.append(place, Turn("user", question.text), Turn("assistant", "Honey [1]."))
    return question


async def test_examples_are_those_of_the_channel(desk: ChatServices, redis: Redis, embedder: OfflineEmbedder) -> None:
    await shelved(
        redis, embedder, {"blog": POSTS, "minutes": {"pay": "# Pay\n\n## Who earns the most crowns?\n\nA bee."}}
    )
    assert await desk.examples(BOARD) == ["Who earns the most crowns?"]
    for place in (GENERAL, THREAD, None):
        examples = await desk.examples(place)
        assert len(examples) == 4
        assert not any("crowns" in example for example in examples)
    assert len(await desk.examples(GENERAL, limit=2)) == 2


async def test_a_question_is_remembered_in_its_channel_and_nowhere_else(desk: ChatServices) -> None:
    question = await asked(desk, THREAD)
    for place in (THREAD, GENERAL, replace(GENERAL, thread="2.0")):
        remembered = await desk.remembered(question.id, place)
        assert remembered is not None
        assert remembered.question == question
    for place in (BOARD, replace(GENERAL, workspace="T2"), replace(GENERAL, platform="discord")):
        assert await desk.remembered(question.id, place) is None
    assert await desk.remembered("0123456789abcdef", GENERAL) is None


async def test_a_question_without_a_conversation_belongs_to_no_channel(desk: ChatServices) -> None:
    question = Question("What do bees eat?", person=ANN)
    await desk.answers.save(question)
    assert await desk.remembered(question.id, GENERAL) is None


async def test_what_is_forgotten_is_gone_from_history_and_from_the_answers(desk: ChatServices, redis: Redis) -> None:
    here, there = await asked(desk, THREAD), await asked(desk, BOARD)
    await desk.forget(GENERAL)
    assert await desk.history.turns(THREAD) == ()
    assert await desk.remembered(here.id, THREAD) is None
    assert await desk.remembered(there.id, BOARD)
    await desk.forget(BOARD)
    assert await redis.keys("*") == []


async def test_votes_and_reasons_reach_whoever_runs_the_bot(desk: ChatServices) -> None:
    question = await asked(desk, THREAD)
    await desk.vote(question.id, ANN, "up")
    await desk.vote(question.id, BOB, "down")
    await desk.explain(question.id, BOB, "Out of date.")
    [judged] = await desk.feedback.rated_answers(10)
    assert {(vote.person.id, vote.rating, vote.reason) for vote in judged.votes} == {
        ("U1", "up", ""),
        ("U2", "down", "Out of date."),
    }
