"""Each channel is answered from what is meant for it; what is meant for a few shows nowhere else."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from core.answerer import Answerer, Found
from core.answering.channel_scope import Channel, Channels, ScopedAnswerer
from core.answering.conversation_memory import ConversationalAnswerer
from core.answering.question_limits import LimitedAnswerer, RateLimits
from core.answering.question_recorder import RecordingAnswerer
from core.answering.rag import NONE_HERE, NOT_IN_POSTS
from core.domain import EVERYTHING, Conversation, Person, Question, Scope
from core.models.extractive_chat import ExtractiveChatModel
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_chat import OpenAIChatModel
from core.models.protocols import ChatModel
from core.storage.history import History
from core.storage.question_store import QuestionStore
from core.storage.rate_limiter import RateLimiter
from tests.core.answering.asking import Heard, answerer_of, heard
from tests.core.index.shelves import shelved
from tests.posts import POSTS
from tests.servers.openai import OpenAIServer, Text

DAY = timedelta(days=1)
ANN = Person("U1")
BOARD = Conversation("slack", "BOARD", "T1", "1.0")
GENERAL = Conversation("slack", "GENERAL", "T1", "1.0")
MESSAGE = Conversation("slack", "D1", "T1")
PAGE = Conversation("web", "tab")
SHELVES = {
    "blog": {"bees": POSTS["bees"], "backups": POSTS["backups"]},
    "minutes, 2026 | board": {
        "pay": "# What the queen earns\n\nThe queen earns ninety thousand crowns, the drones nothing in winter.",
        "bees": "# Bees, behind closed doors\n\nIn winter the bees are sold to another keeper, which nobody may know.",
    },
    "house rules": {"dogs": "# Dogs in the office\n\nDogs may come on Fridays, and in winter on Mondays too."},
}
SECRET = "minutes, 2026 | board"
CHANNELS = (Channel("slack", "BOARD", frozenset({SECRET, "house rules"}), "You are the clerk."),)
ASKED = (
    "How do bees get through the winter?",
    "What does the queen earn?",
    "What happens to the bees in winter?",
    "May dogs come into the office?",
    "Who won the football world cup in 1998?",
)


def channels(*given: Channel, shared: Sequence[str] = ()) -> Channels:
    return Channels(given or CHANNELS, SHELVES, shared)


@pytest.mark.parametrize(
    ("place", "sources"),
    [
        (BOARD, {SECRET, "house rules"}), (replace(BOARD, thread=""), {SECRET, "house rules"}), (GENERAL, {"blog"}),
        (MESSAGE, {"blog"}), (PAGE, {"blog"}), (None, {"blog"}), (replace(BOARD, platform="discord"), {"blog"}),
    ],
)  # fmt: skip
def test_a_source_that_a_channel_names_is_for_it_alone(place: Conversation | None, sources: set[str]) -> None:
    assert channels().scope(place).sources == frozenset(sources)


def test_a_shared_source_shows_everywhere() -> None:
    shared = channels(shared=["house rules"])
    assert shared.scope(GENERAL).sources == frozenset({"blog", "house rules"})
    assert shared.scope(BOARD).sources == frozenset({SECRET, "house rules"})


def test_a_source_may_be_for_several_channels() -> None:
    both = channels(
        Channel("slack", "BOARD", frozenset({SECRET})), Channel("discord", "7", frozenset({SECRET, "blog"}))
    )
    assert both.scope(BOARD).sources == frozenset({SECRET})
    assert both.scope(Conversation("discord", "7", "G1")).sources == frozenset({SECRET, "blog"})
    assert both.scope(GENERAL).sources == frozenset({"house rules"})


def test_while_no_channel_names_a_source_everything_is_searched() -> None:
    plain = channels(Channel("slack", "BOARD", persona="You are the clerk."))
    assert plain.scope(GENERAL) == EVERYTHING
    assert plain.scope(BOARD) == Scope(None, "You are the clerk.")


def test_a_channel_that_names_no_source_has_what_all_others_have() -> None:
    quiet = channels(*CHANNELS, Channel("slack", "GENERAL", persona="You are brief."))
    assert quiet.scope(GENERAL) == Scope(frozenset({"blog"}), "You are brief.")


def test_a_channel_may_be_answered_from_nothing() -> None:
    assert channels(Channel("slack", "GENERAL", frozenset())).scope(GENERAL).sources == frozenset()


def test_a_channel_answers_every_question_only_where_it_was_told_to() -> None:
    talkative = channels(*CHANNELS, Channel("discord", "7", mode="every-question"))
    assert talkative.answers_every_question(Conversation("discord", "7", "G1", "thread"))
    assert not talkative.answers_every_question(BOARD)
    assert not talkative.answers_every_question(GENERAL)
    assert talkative.any_answers_every_question("discord")
    assert not talkative.any_answers_every_question("slack")
    assert not channels().any_answers_every_question("discord")


NAMES = st.sampled_from(["a", "b", "c", "d"])
PLACES = st.builds(Conversation, st.sampled_from(["slack", "discord"]), st.sampled_from(["1", "2", "3"]))


@given(
    st.dictionaries(PLACES, st.none() | st.frozensets(NAMES), max_size=4), st.frozensets(NAMES), st.sets(NAMES), PLACES
)
def test_what_some_channel_names_is_seen_there_and_where_it_is_shared(
    named: dict[Conversation, frozenset[str] | None], sources: frozenset[str], shared: set[str], place: Conversation
) -> None:
    given = [Channel(where.platform, where.channel, those) for where, those in named.items()]
    seen = Channels(given, sources, shared).scope(place).sources
    own = named.get(place)
    for name in sources:
        kept = any(name in (those or ()) for those in named.values()) and name not in shared
        assert (seen is None or name in seen) == (name in own if own is not None else not kept)


def whole(redis: Redis, embedder: OfflineEmbedder, model: ChatModel, channels: Channels) -> Answerer:
    """An asker as it is wired."""
    remembering = ConversationalAnswerer(answerer_of(redis, embedder, model), History(redis, 10, DAY))
    limiting = LimitedAnswerer(ScopedAnswerer(remembering, channels), RateLimiter(redis), RateLimits(1_000, 1_000))
    return RecordingAnswerer(limiting, QuestionStore(redis, DAY))


@pytest.fixture
async def shelves(redis: Redis, embedder: OfflineEmbedder) -> Redis:
    await shelved(redis, embedder, SHELVES)
    return redis


def shown(said: Heard) -> str:
    """All that anybody could be shown of an answer: text, footnotes, nearest, passages, what was left out."""
    return repr(said.events)


@pytest.mark.parametrize("place", [GENERAL, MESSAGE, PAGE, None], ids=str)
async def test_nothing_of_a_channels_source_shows_elsewhere(
    shelves: Redis, embedder: OfflineEmbedder, place: Conversation | None
) -> None:
    asker = whole(shelves, embedder, ExtractiveChatModel(embedder), channels())
    for text in ASKED:
        await heard(asker, Question(text, BOARD, ANN))
        said = await heard(asker, Question(text, place, ANN))
        assert said.error is None
        for hidden in (SECRET, "house rules", "crowns", "closed doors", "keeper", "Fridays"):
            assert hidden not in shown(said).replace(text, "")


async def test_in_its_channel_a_source_answers_and_others_do_not(shelves: Redis, embedder: OfflineEmbedder) -> None:
    asker = whole(shelves, embedder, ExtractiveChatModel(embedder), channels())
    said = await heard(asker, Question("What does the queen earn?", BOARD, ANN))
    assert said.answer.footnotes[0].title == "What the queen earns"
    for text in ASKED:
        assert "honey" not in shown(await heard(asker, Question(text, BOARD, ANN)))


async def test_a_shared_source_answers_everywhere(shelves: Redis, embedder: OfflineEmbedder) -> None:
    asker = whole(shelves, embedder, ExtractiveChatModel(embedder), channels(shared=["house rules"]))
    for place in (BOARD, GENERAL, MESSAGE, PAGE, None):
        said = await heard(asker, Question("May dogs come into the office?", place, ANN))
        assert said.answer.footnotes[0].title == "Dogs in the office"


async def test_what_was_said_in_a_channel_is_not_part_of_another_conversation(
    shelves: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    asker = whole(shelves, embedder, model, channels())
    server.enqueue(Text("Ninety thousand crowns [1]."), Text("They shiver [1]."))
    await heard(asker, Question("What does the queen earn?", BOARD, ANN))
    await heard(asker, Question("How do bees get through the winter?", GENERAL, ANN))
    assert "crowns" in server.chats[0].prompt
    assert "crowns" not in server.chats[1].prompt


async def test_a_follow_up_that_is_rewritten_keeps_to_the_sources(
    shelves: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    asker = whole(shelves, embedder, model, channels())
    await heard(asker, Question("Hello there!", GENERAL, ANN))
    server.enqueue(Text("What does the queen earn in crowns?"))
    said = await heard(asker, Question("And then?", GENERAL, ANN))
    assert SECRET not in shown(said)
    assert "ninety" not in shown(said)


async def test_the_persona_of_a_channel_speaks_there_alone(
    shelves: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    asker = whole(shelves, embedder, model, channels(shared=["house rules"]))
    for place in (BOARD, GENERAL):
        await heard(asker, Question("May dogs come into the office?", place, ANN))
    board, general = (chat.messages[0]["content"] for chat in server.chats)
    assert board.startswith("You are the clerk.\n\nYou are given passages")
    assert general.startswith("You are Footnoted")


async def test_a_question_that_brings_a_scope_along_keeps_it(shelves: Redis, embedder: OfflineEmbedder) -> None:
    asker = whole(shelves, embedder, ExtractiveChatModel(embedder), channels())
    everything = await heard(asker, Question("What does the queen earn?", scope=EVERYTHING))
    assert everything.answer.footnotes[0].title == "What the queen earns"
    nothing = await heard(asker, Question("What does the queen earn?", BOARD, scope=Scope(frozenset())))
    assert nothing.events[1] == Found(())


async def test_where_there_is_nothing_to_answer_from_it_says_so(shelves: Redis, embedder: OfflineEmbedder) -> None:
    all_named = channels(Channel("slack", "BOARD", frozenset(SHELVES)))
    asker = whole(shelves, embedder, ExtractiveChatModel(embedder), all_named)
    said = await heard(asker, Question("How do bees get through the winter?", GENERAL, ANN))
    assert said.text == f"{NOT_IN_POSTS} {NONE_HERE}"
    assert said.is_in_order
