"""Questions from messages: readable text, the person, and the preceding messages of the thread."""

from functools import partial
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.events import MessageReceived, parse_message
from adapters.slack.identity import BotIdentity
from adapters.slack.mentions import MentionResolver
from adapters.slack.message_words import words_of
from adapters.slack.web_api import call_api
from core.chat.pending_question import PendingQuestion, question_id
from core.chat.platform_errors import PlatformError
from core.domain import Question, Turn

log = structlog.get_logger()

PAGE_SIZE = 200
MAX_PAGES = 10
MAX_TURNS = 20
MAX_TITLE = 70
MAX_TURN_CHARS = 1_000
"""The beginning of a longer message tells what it is about."""

_SPOKEN = frozenset({None, "thread_broadcast", "file_share", "bot_message", "me_message"})
"""Subtypes of messages that are not about joins, topics and the like."""


class QuestionBuilder:
    """Builds questions, looking up on Slack what a message does not contain."""

    def __init__(self, client: AsyncWebClient, identity: BotIdentity, mentions: MentionResolver) -> None:
        self._client = client
        self._identity = identity
        self._mentions = mentions

    def pending(self, text: str, message: MessageReceived) -> PendingQuestion:
        """Return the question in a message, whose readable text is known, to be built when it is answered."""
        compose = partial(self._build, text, message)
        return PendingQuestion(question_id(message.name), text, compose, addressed=self.is_addressed(message))

    def is_addressed(self, message: MessageReceived) -> bool:
        """Return whether a message is a direct message or mentions the bot."""
        return message.direct or self._identity.is_mentioned(message.text)

    async def readable_text(self, message: MessageReceived) -> str:
        """Return a message as users see it; one that only forwards others asks about them."""
        return await self._mentions.resolve(message.text) or await self._mentions.resolve(message.attached)

    async def rebuild(self, channel: str, ts: str) -> Question | None:
        """Build the question from a message as it is now; return None when it cannot be read, or is not a person's."""
        found = await self.read_message(channel, ts)
        message = parse_message(found, channel, self._identity) if found else None
        text = await self.readable_text(message) if message else ""
        return await self._build(text, message) if message and text else None

    async def read_message(self, channel: str, ts: str) -> dict[str, Any] | None:
        """Return a message as Slack has it now; None when it cannot be read."""
        try:
            found = await call_api(
                self._client.conversations_replies(channel=channel, ts=ts, oldest=ts, latest=ts, inclusive=True)
            )
        except PlatformError as error:
            log.info("message could not be read", cause=str(error))
            return None
        return next((message for message in found.get("messages") or [] if message.get("ts") == ts), None)

    async def set_title(self, text: str, message: MessageReceived) -> None:
        """Title a direct conversation with its first question."""
        if message.thread_ts and any(
            each.get("user") == message.user and ts < message.ts for ts, each in (await self._thread(message)).items()
        ):
            return
        title = " ".join(text.split())
        try:
            await call_api(
                self._client.assistant_threads_setTitle(
                    channel_id=message.channel,
                    thread_ts=message.thread_ts or message.ts,
                    title=title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1] + "…",
                )
            )
        except PlatformError as error:
            log.info("title refused", cause=str(error))

    async def _build(self, text: str, message: MessageReceived) -> Question:
        person = await self._mentions.person(message.user)
        history = await self._read_thread(message) if message.thread_ts else ()
        forwarded = await self._mentions.resolve(message.attached)
        if forwarded and forwarded != text:
            history = (*history, Turn("user", f"{person.name}: {forwarded}"))
        addressed = self.is_addressed(message)
        return Question(text, message.conversation, person, history, id=question_id(message.name), addressed=addressed)

    async def _read_thread(self, question: MessageReceived) -> tuple[Turn, ...]:
        """Return the messages between the bot's last one and the question, oldest first; the bot remembers its own."""
        before = [message for ts, message in sorted((await self._thread(question)).items()) if ts < question.ts]
        bot = self._identity.user
        last_own = max((at for at, message in enumerate(before) if message.get("user") == bot), default=-1)
        recent = [message for message in before[last_own + 1 :] if _speaks(message)]
        if len(recent) > MAX_TURNS:
            # The first message of a thread is what it is about.
            recent = [recent[0], *recent[1 - MAX_TURNS :]]
        return tuple([await self._turn(message) for message in recent])

    async def _thread(self, question: MessageReceived) -> dict[str, dict[str, Any]]:
        messages: dict[str, dict[str, Any]] = {}  # by ts, since each page contains the root
        cursor = ""
        try:
            for _ in range(MAX_PAGES):
                page = await call_api(
                    self._client.conversations_replies(
                        channel=question.channel,
                        ts=question.thread_ts,
                        latest=question.ts,
                        limit=PAGE_SIZE,
                        cursor=cursor or None,
                    )
                )
                messages |= {message.get("ts", ""): message for message in page.get("messages") or []}
                cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
                if not cursor:
                    break
        except PlatformError as error:
            log.warning("thread could not be read", cause=str(error))
        return messages

    async def _turn(self, message: dict[str, Any]) -> Turn:
        text = await self._mentions.resolve(words_of(message)[:MAX_TURN_CHARS])
        author = message.get("username") or (message.get("bot_profile") or {}).get("name")
        if not author:
            author = (await self._mentions.person(message["user"])).name if message.get("user") else "a bot"
        return Turn("user", f"{author}: {text}")


def _speaks(message: dict[str, Any]) -> bool:
    """Return whether a message says something, of a person or of another bot."""
    return message.get("subtype") in _SPOKEN and bool(words_of(message))
