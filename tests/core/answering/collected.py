"""Answer streams, read to their end."""

from contextlib import aclosing
from dataclasses import dataclass, field

from redis.asyncio import Redis

from core.answerer import Answered, Answerer, AnswerEvent, Cited, Found, Searching, Wrote
from core.answering.prompts import Instructions
from core.answering.rag import Limits, RagAnswerer
from core.domain import Answer, AnswerTrace, Question
from core.models.offline_embedder import OfflineEmbedder
from core.models.protocols import ChatModel, SentenceVectors
from core.retrieval.retriever import Retriever
from core.tokens import estimate_tokens

ABOUT_BEES = Question("How do bees get through the winter?")
OFF_TOPIC = Question("Who won the football world cup in 1998?")


@dataclass
class Collected:
    """The events of one answer, up to its error if there was one."""

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
    def trace(self) -> AnswerTrace:
        assert self.answer.trace is not None
        return self.answer.trace

    @property
    def is_in_order(self) -> bool:
        """Whether the stream reads `Searching Found (Cited | Wrote)* Answered`, or begins so."""
        kinds = [type(event) for event in self.events if not isinstance(event, Cited)]
        wrote = kinds.count(Wrote)
        return kinds == [Searching, Found, *[Wrote] * wrote, Answered][: len(kinds)]


async def collect(answerer: Answerer, question: Question) -> Collected:
    """Read a stream to its end, or to its error."""
    collected = Collected()
    try:
        async with aclosing(answerer.ask(question)) as events:
            async for event in events:
                collected.events.append(event)
    except Exception as error:
        collected.error = error
    return collected


async def read_until_text(answerer: Answerer, question: Question) -> None:
    """Leave a stream as soon as it has text."""
    async with aclosing(answerer.ask(question)) as events:
        async for event in events:
            if isinstance(event, Wrote):
                break


def rag_answerer(
    redis: Redis,
    embedder: OfflineEmbedder,
    model: ChatModel,
    instructions: Instructions | None = None,
    limits: Limits | None = None,
    verify_citations: bool = True,
    rewrite: bool = True,
    sentence_vectors: SentenceVectors | None = None,
) -> RagAnswerer:
    """Build the innermost answerer with default settings."""
    retriever = Retriever(redis, embedder)
    return RagAnswerer(
        retriever,
        model,
        instructions or Instructions(),
        limits or Limits(),
        estimate_tokens,
        verify_citations,
        rewrite,
        sentence_vectors,
    )
