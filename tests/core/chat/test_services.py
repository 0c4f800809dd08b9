"""ChatServices shows a channel its own questions and sources, and forgets what it is told to forget."""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import pytest
from redis.asyncio import Redis

from core.answering.channel_scope import Channel, Channels
from core.chat.overview import Overviews
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
from core.storage.statistics import Statistics
from tests.core.answering.collected import rag_answerer
from tests.core.index.shelves import shelved
from tests.posts import POSTS

DAY = timedelta(days=1)
ANN, BOB = Person("U1", "Ann"), Person("U2", "Bob")
BOARD = Conversation("slack", "BOARD", "T1")
GENERAL = Conversation("slack", "GENERAL", "T1")
THREAD = replace(GENERAL, thread="1.0")


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores behind the services."""

    history: History
    questions: QuestionStore
    feedback: Feedback

    async def answered(self, conversation: Conversation) -> Question:
        """Store an answered question."""
        question = Question("What do bees eat?", conversation, ANN)
        await self.questions.save(question)
        await self.questions.save(question, Answer("Honey [1].", grounded=True))
        await self.history.append(conversation, Turn("user", question.text), Turn("assistant", "Honey [1]."))
        return question


@pytest.fixture
def stores(redis: Redis) -> Stores:
    questions = QuestionStore(redis, DAY)
    return Stores(History(redis, 10, DAY), questions, Feedback(redis, questions, DAY))


@pytest.fixture
def services(redis: Redis, embedder: OfflineEmbedder, stores: Stores) -> ChatServices:
    channels = Channels([Channel("slack", "BOARD", frozenset({"minutes"}))], ["blog", "minutes"])
    return ChatServices(
        platform="slack",
        answerer=rag_answerer(redis, embedder, ExtractiveChatModel(embedder)),
        channels=channels,
        overviews=Overviews(Statistics(redis), stores.questions, stores.feedback, channels, embedder),
        catalog=Catalog(redis),
        history=stores.history,
        questions=stores.questions,
        feedback=stores.feedback,
        claims=EventClaims(redis, "slack"),
        replies=ReplyMessages(redis, "slack"),
        reindexer=Reindexer(redis, ["blog", "minutes"], never, partial(never, None, None)),
    )


async def never(options: object, tell: object) -> Report:
    raise AssertionError("no test starts a run")


async def test_examples_come_from_the_sources_of_the_channel(
    services: ChatServices, redis: Redis, embedder: OfflineEmbedder
) -> None:
    await shelved(
        redis, embedder, {"blog": POSTS, "minutes": {"pay": "# Pay\n\n## Who earns the most crowns?\n\nA bee."}}
    )
    assert await services.examples(BOARD) == ["Who earns the most crowns?"]
    for conversation in (GENERAL, THREAD, None):
        examples = await services.examples(conversation)
        assert len(examples) == 4
        assert not any("crowns" in example for example in examples)
    assert len(await services.examples(GENERAL, limit=2)) == 2


async def test_a_question_is_visible_only_in_its_own_channel(services: ChatServices, stores: Stores) -> None:
    question = await stores.answered(THREAD)
    for conversation in (THREAD, GENERAL, replace(GENERAL, thread="2.0")):
        stored = await services.question(question.id, conversation)
        assert stored is not None
        assert stored.question == question
    for conversation in (BOARD, replace(GENERAL, workspace="T2"), replace(GENERAL, platform="discord")):
        assert await services.question(question.id, conversation) is None
    assert await services.question("0123456789abcdef", GENERAL) is None


async def test_a_question_without_a_conversation_is_visible_in_no_channel(
    services: ChatServices, stores: Stores
) -> None:
    question = Question("What do bees eat?", person=ANN)
    await stores.questions.save(question)
    assert await services.question(question.id, GENERAL) is None


async def test_a_question_has_an_answer_once_one_is_stored(services: ChatServices, stores: Stores) -> None:
    question = Question("What do bees eat?", GENERAL, ANN)
    await stores.questions.save(question)
    assert not await services.has_answer(question.id)
    answered = await stores.answered(GENERAL)
    assert await services.has_answer(answered.id)


async def test_forgetting_a_channel_removes_its_history_and_questions(
    services: ChatServices, stores: Stores, redis: Redis
) -> None:
    here, there = await stores.answered(THREAD), await stores.answered(BOARD)
    await services.forget(GENERAL)
    assert await stores.history.turns(THREAD) == ()
    assert await services.question(here.id, THREAD) is None
    assert await services.question(there.id, BOARD)
    await services.forget(BOARD)
    assert await redis.keys("*") == []


async def test_ratings_and_reasons_are_stored(services: ChatServices, stores: Stores) -> None:
    question = await stores.answered(THREAD)
    await services.rate(question.id, ANN, "up")
    await services.rate(question.id, BOB, "down")
    await services.explain_rating(question.id, BOB, "Out of date.")
    [rated] = await stores.feedback.rated_answers(10)
    assert {(vote.person.id, vote.rating, vote.reason) for vote in rated.votes} == {
        ("U1", "up", ""),
        ("U2", "down", "Out of date."),
    }
