"""The place where an answer is written: a thread of a channel or of a direct conversation."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.events import MessageReceived
from adapters.slack.web_api import call_api
from core.chat.platform_errors import PlatformError

log = structlog.get_logger()

PAGE_SIZE = 200


@dataclass(frozen=True, slots=True)
class ReplyTarget:
    """A thread, the message in it that is answered, and the user who asked."""

    channel: str
    thread_ts: str
    question_ts: str
    user: str
    user_team: str
    direct: bool
    bot_user: str

    async def own_messages(self, client: AsyncWebClient) -> list[dict[str, Any]]:
        """Return the bot's messages in the thread since the question, oldest first. Raises what `call_api` raises."""
        response = await call_api(
            client.conversations_replies(
                channel=self.channel, ts=self.thread_ts, oldest=self.question_ts, inclusive=False, limit=PAGE_SIZE
            )
        )
        return [
            message
            for message in response.get("messages") or []
            if message.get("user") == self.bot_user and message["ts"] > self.question_ts
        ]

    async def find_lost_message(self, client: AsyncWebClient, known: Container[str]) -> str:
        """Return the newest of the bot's messages that is not known: Slack took it, but the response was lost."""
        try:
            own = await self.own_messages(client)
        except PlatformError as error:
            log.warning("thread could not be read", cause=str(error))
            return ""
        return next((str(message["ts"]) for message in reversed(own) if message["ts"] not in known), "")


def target_of(message: MessageReceived, bot_user: str) -> ReplyTarget:
    """Return the thread that a message is in, or begins."""
    return ReplyTarget(
        channel=message.channel,
        thread_ts=message.thread_ts or message.ts,
        question_ts=message.ts,
        user=message.user,
        user_team=message.user_team or message.team,
        direct=message.direct,
        bot_user=bot_user,
    )
