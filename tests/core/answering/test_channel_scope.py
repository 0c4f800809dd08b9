"""Each channel is answered from its own sources, and a source that belongs to a channel shows nowhere else."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from core.answerer import Answerer, Found
from core.answering.admission import GuardedAnswerer, RateLimits
from core.answering.channel_scope import Channel, Channels
from core.answering.conversation_memory import ConversationalAnswerer
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
from tests.core.answering.collected import Collected, collect, rag_answerer
from tests.core.index.shelves import shelved
from tests.core.published_redis import published_redis, shared
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
    ("conversation", "sources"),
    [
        (BOARD, {SECRET, "house rules"}), (replace(BOARD, thread=""), {SECRET, "house rules"}), (GENERAL, {"blog"}),
        (MESSAGE, {"blog"}), (PAGE, {"blog"}), (None, {"blog"}), (replace(BOARD, platform="discord"), {"blog"}),
    ],
)  # fmt: skip
def test_source_named_by_a_channel_belongs_only_to_that_channel(
    conversation: Conversation | None, sources: set[str]
) -> None:
    assert channels().scope(conversation).sources == frozenset(sources)


def test_shared_source_is_visible_everywhere() -> None:
    shared = channels(shared=["house rules"])
    assert shared.scope(GENERAL).sources == frozenset({"blog", "house rules"})
    assert shared.scope(BOARD).sources == frozenset({SECRET, "house rules"})


def test_source_may_belong_to_several_channels() -> None:
    several = channels(
        Channel("slack", "BOARD", frozenset({SECRET})), Channel("discord", "7", frozenset({SECRET, "blog"}))
    )
    assert several.scope(BOARD).sources == frozenset({SECRET})
    assert several.scope(Conversation("discord", "7", "G1")).sources == frozenset({SECRET, "blog"})
    assert several.scope(GENERAL).sources == frozenset({"house rules"})


def test_everything_is_searched_when_no_channel_names_a_source() -> None:
    plain = channels(Channel("slack", "BOARD", persona="You are the clerk."))
    assert plain.scope(GENERAL) == EVERYTHING
    assert plain.scope(BOARD) == Scope(None, "You are the clerk.")


def test_channel_without_sources_has_the_default_scope() -> None:
    quiet = channels(*CHANNELS, Channel("slack", "GENERAL", persona="You are brief."))
    assert quiet.scope(GENERAL) == Scope(frozenset({"blog"}), "You are brief.")


def test_channel_with_no_source_at_all_searches_nothing() -> None:
    assert channels(Channel("slack", "GENERAL", frozenset())).scope(GENERAL).sources == frozenset()


def test_only_a_configured_channel_answers_every_question() -> None:
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
def test_restricted_source_is_visible_only_in_its_channels_or_when_shared(
    named: dict[Conversation, frozenset[str] | None],
    everything: frozenset[str],
    shared_names: set[str],
    conversation: Conversation,
) -> None:
    given = [Channel(place.platform, place.channel, sources) for place, sources in named.items()]
    seen = Channels(given, everything, shared_names).scope(conversation).sources
    own = named.get(conversation)
    for name in everything:
        kept = any(name in (sources or ()) for sources in named.values()) and name not in shared_names
        assert (seen is None or name in seen) == (name in own if own is not None else not kept)


def pipeline(redis: Redis, embedder: OfflineEmbedder, model: ChatModel, channels: Channels) -> Answerer:
    """Build the pipeline with memory and scope."""
    conversational = ConversationalAnswerer(rag_answerer(redis, embedder, model), History(redis, 10, DAY))
    guarded = GuardedAnswerer(conversational, RateLimiter(redis), RateLimits(1_000, 1_000), channels)
    return RecordingAnswerer(guarded, QuestionStore(redis, DAY))


@pytest.fixture(scope="module")
def shelves_url(tmp_path_factory: pytest.TempPathFactory, embedder: OfflineEmbedder) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("shelves")
    with published_redis(folder, lambda redis: shelved(redis, embedder, SHELVES)) as url:
        yield url


@pytest.fixture
async def shelves(shelves_url: str) -> AsyncIterator[Redis]:
    """A client of a Redis in which the posts of all sources are live."""
    async with shared(shelves_url) as redis:
        yield redis


def shown(collected: Collected) -> str:
    """Everything that an answer could show: text, footnotes, nearest posts, passages, and what was left out."""
    return repr(collected.events)


@pytest.mark.parametrize("conversation", [GENERAL, MESSAGE, PAGE, None], ids=str)
async def test_nothing_of_a_restricted_source_leaks(
    shelves: Redis, embedder: OfflineEmbedder, conversation: Conversation | None
) -> None:
    answerer = pipeline(shelves, embedder, ExtractiveChatModel(embedder), channels())
    for text in ASKED:
        await collect(answerer, Question(text, BOARD, ANN))
        collected = await collect(answerer, Question(text, conversation, ANN))
        assert collected.error is None
        for hidden in (SECRET, "house rules", "crowns", "closed doors", "keeper", "Fridays"):
            assert hidden not in shown(collected).replace(text, "")


async def test_channel_is_answered_only_from_its_own_sources(shelves: Redis, embedder: OfflineEmbedder) -> None:
    answerer = pipeline(shelves, embedder, ExtractiveChatModel(embedder), channels())
    collected = await collect(answerer, Question("What does the queen earn?", BOARD, ANN))
    assert collected.answer.footnotes[0].title == "What the queen earns"
    for text in ASKED:
        assert "honey" not in shown(await collect(answerer, Question(text, BOARD, ANN)))


async def test_shared_source_answers_everywhere(shelves: Redis, embedder: OfflineEmbedder) -> None:
    answerer = pipeline(shelves, embedder, ExtractiveChatModel(embedder), channels(shared=["house rules"]))
    for conversation in (BOARD, GENERAL, MESSAGE, PAGE, None):
        collected = await collect(answerer, Question("May dogs come into the office?", conversation, ANN))
        assert collected.answer.footnotes[0].title == "Dogs in the office"


async def test_turns_of_a_channel_do_not_leak_into_another_conversation(
    shelves: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    answerer = pipeline(shelves, embedder, model, channels())
    server.enqueue(Text("Ninety thousand crowns [1]."), Text("They shiver [1]."))
    await collect(answerer, Question("What does the queen earn?", BOARD, ANN))
    await collect(answerer, Question("How do bees get through the winter?", GENERAL, ANN))
    assert "crowns" in server.chats[0].prompt
    assert "crowns" not in server.chats[1].prompt


async def test_rewritten_follow_up_stays_within_the_scope(
    shelves: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    answerer = pipeline(shelves, embedder, model, channels())
    await collect(answerer, Question("Hello there!", GENERAL, ANN))
    server.enqueue(Text("What does the queen earn in crowns?"))
    collected = await collect(answerer, Question("And then?", GENERAL, ANN))
    assert SECRET not in shown(collected)
    assert "ninety" not in shown(collected)


async def test_persona_of_a_channel_is_used_only_there(
    shelves: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    answerer = pipeline(shelves, embedder, model, channels(shared=["house rules"]))
    for place in (BOARD, GENERAL):
        await collect(answerer, Question("May dogs come into the office?", place, ANN))
    board, general = (chat.messages[0]["content"] for chat in server.chats)
    assert board.startswith("You are the clerk.\n\nYou are given passages")
    assert general.startswith("You are Footnoted")


async def test_question_with_a_scope_keeps_it(shelves: Redis, embedder: OfflineEmbedder) -> None:
    answerer = pipeline(shelves, embedder, ExtractiveChatModel(embedder), channels())
    everything = await collect(answerer, Question("What does the queen earn?", scope=EVERYTHING))
    assert everything.answer.footnotes[0].title == "What the queen earns"
    nothing = await collect(answerer, Question("What does the queen earn?", BOARD, scope=Scope(frozenset())))
    assert nothing.events[1] == Found((), "none")


async def test_channel_without_visible_sources_is_told_so(shelves: Redis, embedder: OfflineEmbedder) -> None:
    all_named = channels(Channel("slack", "BOARD", frozenset(SHELVES)))
    answerer = pipeline(shelves, embedder, ExtractiveChatModel(embedder), all_named)
    collected = await collect(answerer, Question("How do bees get through the winter?", GENERAL, ANN))
    assert collected.text == f"{NOT_IN_POSTS} {NONE_HERE}"
    assert collected.is_in_order
