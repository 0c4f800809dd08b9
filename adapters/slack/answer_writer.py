"""Writing of answers, and the rate at which they grow."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

from aiolimiter import AsyncLimiter
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.message_sequence import MessageSequence, StreamingState
from adapters.slack.reply import SlackReply
from adapters.slack.reply_target import ReplyTarget
from adapters.slack.status import Status
from adapters.slack.web_api import DEFAULT_TIMEOUTS, Timeouts
from core.chat.answer_session import AnswerSessions, RunningAnswer
from core.chat.paced_reply import ReplyPace
from core.chat.pending_question import PendingQuestion
from core.chat.services import ChatServices

UPDATE_INTERVAL = timedelta(seconds=0.8)
UPDATES_PER_MINUTE = 100
"""Of all answers together: chat.appendStream is of tier 4; chat.update, of tier 3, allows half as many."""


class AnswerWriter:
    """Writes answers to Slack, many at a time."""

    def __init__(self, client: AsyncWebClient, services: ChatServices, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> None:
        self._client = client
        self._services = services
        self._streaming = StreamingState(timeouts.stream_for)
        self._limiter = AsyncLimiter(UPDATES_PER_MINUTE, 60)
        self._sessions = AnswerSessions[SlackReply](services)

    @property
    def running(self) -> Mapping[str, RunningAnswer[SlackReply]]:
        return self._sessions.running

    async def write(self, name: str, pending: PendingQuestion, target: ReplyTarget, old: Sequence[str] = ()) -> None:
        """Answer a question, in the `old` messages if there are any."""
        status = Status(self._client, target, self._services.emoji["working"])
        note, is_lost = partial(self._services.note_reply, name), partial(self._services.is_event_lost, name)
        messages = MessageSequence(self._client, target, self._streaming, note, is_lost, old)
        reply = SlackReply(self._client, target, pending.id, status, messages, self._services.emoji)
        pace = ReplyPace(UPDATE_INTERVAL, self._limiter)
        await self._sessions.run(name, pending, reply, pause=pace, activity=status.shown())
