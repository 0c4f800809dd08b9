"""Where an answer goes: a thread of a channel or of a direct conversation, for one person."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.events import MessageReceived
from adapters.slack.web_api import SlackRefusedError, SlackUnreachableError, call_api

log = structlog.get_logger()

A_PAGE = 200


@dataclass(frozen=True, slots=True)
class ReplyTarget:
    """A thread, the message there that is answered, and who asked. `me` is the bot's own user."""

    channel: str
    thread_ts: str
    question_ts: str
    user: str
    user_team: str
    direct: bool
    me: str

    async def own_since_question(self, client: AsyncWebClient) -> list[dict[str, Any]]:
        """The bot's messages in the thread that are newer than the question, oldest first. Raises SlackRefusedError,
        where the
        bot may not read the channel, and Unreachable."""
        response = await call_api(
            client.conversations_replies(
                channel=self.channel, ts=self.thread_ts, oldest=self.question_ts, inclusive=False, limit=A_PAGE
            )
        )
        return [
            message
            for message in response.get("messages") or []
            if message.get("user") == self.me and message["ts"] > self.question_ts
        ]

    async def lost_message(self, client: AsyncWebClient, known: Container[str]) -> str:
        """A message of the bot since the question that it does not know of: Slack took it, and its answer was lost.
        Nothing when there is none, or it cannot be known."""
        try:
            own = await self.own_since_question(client)
        except (SlackRefusedError, SlackUnreachableError) as error:
            log.warning("the thread cannot be read", cause=str(error))
            return ""
        return next((str(message["ts"]) for message in reversed(own) if message["ts"] not in known), "")


def place_of(said: MessageReceived, me: str) -> ReplyTarget:
    """Where what was said is answered: in its thread, which a message in a channel begins."""
    return ReplyTarget(
        channel=said.channel,
        thread_ts=said.answered_under,
        question_ts=said.ts,
        user=said.user,
        user_team=said.user_team or said.team,
        direct=said.direct,
        me=me,
    )
