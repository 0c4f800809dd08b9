"""Chat and embedding models that fail in every way, one after another, behind one running bot."""

from pathlib import Path

from core.models.circuit_breaker import FAILURE_THRESHOLD
from tests.bot.running import REPOSITORY
from tests.breaking.own_redis import own_redis
from tests.breaking.scene import BEES, scene
from tests.servers.loopback import Status
from tests.servers.openai import (
    FIRST_PASSAGE,
    Broken,
    ChatRequest,
    EmbeddingReply,
    Empty,
    Garbage,
    NaN,
    OpenAIServer,
    Reply,
    Shuffled,
    Silence,
    Stall,
    TooFew,
    Truncated,
    WrongLength,
    quote_first_passage,
)

SITE = Path(__file__).parent / "site"

BROKE = "The answer was cut off. Please try again."
AWAY = "The language model cannot be reached right now. Please try again in a minute."
BUSY = "The language model is busy right now. Please try again in a minute."
REFUSED = "The language model denied this bot access. Please tell the person who runs it."
SLOW = "The language model took too long. Please try again."

MISFORTUNES: dict[str, tuple[Reply, str]] = {
    "unauthorised": (Status(401), REFUSED),
    "busy": (Status(429), BUSY),
    "busy for long": (Status(429, retry_after=3_600), BUSY),
    "broken": (Status(500), AWAY),
    "unavailable": (Status(503), AWAY),
    "truncated": (Truncated("Bees live on"), BROKE),
    "cut": (Broken("Bees live on"), BROKE),
    "garbled": (Garbage("Bees live on"), BROKE),
    "empty": (Empty(), BROKE),
}
SILENT: dict[str, Reply] = {"silent": Silence(), "stalled": Stall("Bees live on")}
EMBEDDINGS: list[EmbeddingReply] = [WrongLength(), NaN(), TooFew(), Shuffled(), Status(401), Status(400)]


def answer(chat: ChatRequest) -> str | Reply:
    """Reply as the name in parentheses at the end of the question says, on every retry."""
    ordered = {name: reply for name, (reply, _) in MISFORTUNES.items()} | SILENT
    word = chat.messages[-1]["content"].rsplit("(", 1)[-1].rstrip(")")
    return ordered.get(word) or quote_first_passage(chat, FIRST_PASSAGE)


async def test_each_model_failure_is_one_sentence_and_the_next_question_is_answered(tmp_path: Path) -> None:
    model = OpenAIServer(dimensions=64, answer=answer)
    settings = {"PYTHONPATH": f"{SITE}:{REPOSITORY}", "MODEL_TIMEOUT": "4", "FIRST_TOKEN_SECONDS": "4"}
    async with own_redis(tmp_path) as redis, scene(tmp_path / "home", redis.url, model, **settings) as here:
        # Test all other failures while these time out.
        hanging = {name: here.ask(f"{BEES} ({name})") for name in SILENT}
        for name, (_, sentence) in MISFORTUNES.items():
            failing = here.ask(f"{BEES} ({name})")
            assert sentence in await here.reply(failing), name
            assert "According to the posts" in await here.reply(here.ask()), f"after {name}"
            assert len(here.replies(failing)) == 1
        for reply in EMBEDDINGS:
            here.model.enqueue_embedding(reply)
            assert "According to the posts" in await here.reply(here.ask()), reply
        for name, asked in hanging.items():
            assert SLOW in await here.reply(asked), name
        assert [len(here.replies(asked)) for asked in hanging.values()] == [1] * len(hanging)
        assert here.bot.said().count("vector search skipped") == len(EMBEDDINGS) - 1


async def test_circuit_breaker_spares_a_dead_model_and_closes_when_it_recovers(tmp_path: Path) -> None:
    dead = True
    model = OpenAIServer(
        dimensions=64, answer=lambda chat: Status(401) if dead else quote_first_passage(chat, FIRST_PASSAGE)
    )
    async with own_redis(tmp_path) as redis, scene(tmp_path / "home", redis.url, model) as here:
        first = [await here.sentence() for _ in range(FAILURE_THRESHOLD)]
        asked = [here.ask(f"{BEES} {number}") for number in range(10)]
        assert {*first, *[await here.told(each) for each in asked]} == {REFUSED}
        assert len(model.chats) <= FAILURE_THRESHOLD + 1
        assert "circuit breaker opened" in here.bot.said()
        dead = False
        await here.until_answered()
        assert "circuit breaker closed" in here.bot.said()
        assert [len(here.replies(each)) for each in asked] == [1] * 10
