"""What was said in a thread before the bot was called in."""

from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.events import MessageReceived
from adapters.slack.mentions import MentionResolver
from adapters.slack.web_api import SlackRefusedError, SlackUnreachableError, call_api
from core.domain import Turn

log = structlog.get_logger()

A_PAGE = 200
MOST_PAGES = 10
MOST_TURNS = 20
LONGEST = 1_000
"""Characters of one message; of what is longer the beginning tells what it is about."""


async def read_thread(
    client: AsyncWebClient, said: MessageReceived, me: str, names: MentionResolver
) -> tuple[Turn, ...]:
    """The last messages of the thread before a question that the bot has not answered, oldest first, each under its
    author's name. Nothing, when the bot may not read there."""
    messages: dict[str, dict[str, Any]] = {}  # the root comes with each page
    cursor = ""
    try:
        for _ in range(MOST_PAGES):
            page = await call_api(
                client.conversations_replies(
                    channel=said.channel, ts=said.thread_ts, latest=said.ts, limit=A_PAGE, cursor=cursor or None
                )
            )
            messages |= {message.get("ts", ""): message for message in page.get("messages") or []}
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
    except (SlackRefusedError, SlackUnreachableError) as error:
        log.warning("a thread cannot be read", cause=str(error))
    before = [message for ts, message in sorted(messages.items()) if ts < said.ts]
    # What the bot has answered it remembers by itself.
    last_own = max((place for place, message in enumerate(before) if message.get("user") == me), default=-1)
    new = [message for message in before[last_own + 1 :] if _speaks(message)]
    if len(new) > MOST_TURNS:
        # What a thread begins with is what it is about.
        new = [new[0], *new[1 - MOST_TURNS :]]
    return tuple([await _turn(message, names) for message in new])


def _speaks(message: dict[str, Any]) -> bool:
    return bool(message.get("text")) and message.get("subtype") in {None, "thread_broadcast", "file_share"}


async def _turn(message: dict[str, Any], names: MentionResolver) -> Turn:
    text = await names.readable(message["text"][:LONGEST])
    author = await names.person(message["user"]) if message.get("user") else message.get("username") or "a bot"
    return Turn("user", f"{author}: {text}")
