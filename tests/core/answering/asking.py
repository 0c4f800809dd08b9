"""An answerer on a small blog and a loopback OpenAI, and how its streams are read."""

from contextlib import aclosing
from dataclasses import dataclass, field

from redis.asyncio import Redis

from core.answerer import Answered, Answerer, AnswerEvent, Found, Searching, Wrote
from core.answering.prompts import Instructions
from core.answering.rag import Limits, RagAnswerer
from core.domain import Answer, Question
from core.models.offline_embedder import OfflineEmbedder
from core.models.protocols import ChatModel
from core.retrieval.retriever import Retriever
from core.tokens import estimate_tokens

ABOUT_BEES = Question("How do bees get through the winter?")
OFF_TOPIC = Question("Who won the football world cup in 1998?")


@dataclass
class Heard:
    """What came of a question, up to an error if there was one."""

    events: list[AnswerEvent] = field(default_factory=list)
    error: Exception | None = None

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Wrote))

    @property
    def answer(self) -> Answer:
        assert isinstance(self.events[-1], Answered), self.error
        return self.events[-1].answer

    @property
    def is_in_order(self) -> bool:
        """Whether it reads `Searching Found Wrote* Answered`, or like the beginning of that."""
        kinds = [type(event) for event in self.events]
        wrote = kinds.count(Wrote)
        return kinds == [Searching, Found, *[Wrote] * wrote, Answered][: len(kinds)]


async def heard(asker: Answerer, question: Question) -> Heard:
    """Reads a stream to its end, or to its error."""
    all_of_it = Heard()
    try:
        async with aclosing(asker.ask(question)) as events:
            async for event in events:
                all_of_it.events.append(event)
    except Exception as error:
        all_of_it.error = error
    return all_of_it


def answerer_of(
    redis: Redis,
    embedder: OfflineEmbedder,
    model: ChatModel,
    instructions: Instructions | None = None,
    limits: Limits | None = None,
) -> RagAnswerer:
    """An answerer as it is wired."""
    retriever = Retriever(redis, embedder)
    return RagAnswerer(retriever, model, instructions or Instructions(), limits or Limits(), estimate_tokens)
