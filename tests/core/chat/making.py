"""ChatServices on a Redis, with an answerer and a reindexer of the test's own."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta

from redis.asyncio import Redis

from core.answerer import Answered, Answerer, AnswerEvent, Wrote
from core.answering.channel_scope import Channels
from core.chat.overview import Overviews
from core.chat.services import ChatServices
from core.domain import Answer, Question
from core.errors import NoPreviousVersionError
from core.index.catalog import Catalog
from core.indexing.options import ReindexOptions
from core.indexing.progress import Report
from core.indexing.reindexer import Reindexer
from core.indexing.run_events import Emit
from core.models.offline_embedder import OfflineEmbedder
from core.storage.event_claims import EventClaims
from core.storage.feedback import Feedback
from core.storage.history import History
from core.storage.question_store import QuestionStore
from core.storage.reply_messages import ReplyMessages
from core.storage.statistics import Statistics

DAY = timedelta(days=1)
EMBEDDER = OfflineEmbedder()
"""Loaded here rather than within the event loop."""
ANSWER = Answer("They eat honey.", grounded=True)

Work = Callable[[ReindexOptions, Emit], Awaitable[Report]]


class FixedAnswerer:
    """Gives one answer to every question."""

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        yield Wrote(ANSWER.text)
        for _ in range(10):
            await asyncio.sleep(0)  # the reply grows meanwhile
        yield Answered(ANSWER)


async def no_run(options: ReindexOptions, tell: Emit) -> Report:
    raise AssertionError("the test starts no run")


async def no_previous_version() -> Report:
    raise NoPreviousVersionError


def make_services(redis: Redis, answerer: Answerer | None = None, work: Work = no_run) -> ChatServices:
    """Make the services of Slack."""
    questions = QuestionStore(redis, DAY)
    feedback = Feedback(redis, questions, DAY)
    channels = Channels([], ["blog"])
    return ChatServices(
        platform="slack",
        answerer=answerer or FixedAnswerer(),
        channels=channels,
        catalog=Catalog(redis),
        history=History(redis, 10, DAY),
        questions=questions,
        feedback=feedback,
        overviews=Overviews(Statistics(redis), questions, feedback, channels, EMBEDDER),
        claims=EventClaims(redis, "slack"),
        replies=ReplyMessages(redis, "slack"),
        reindexer=Reindexer(redis, ["blog"], work, no_previous_version),
    )
