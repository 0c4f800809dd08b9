"""Both replies of Slack as people read them, for the contract that all replies keep."""

import html
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from adapters.slack.ephemeral_reply import EphemeralReply
from adapters.slack.message_sequence import MessageSequence, StreamingState
from adapters.slack.reply import SlackReply
from adapters.slack.reply_target import ReplyTarget
from adapters.slack.status import Status
from adapters.slack.web_api import web_client
from core.answerer import Answerer
from core.chat.delivery import deliver
from core.domain import Question
from tests.adapters.slack.harness import read
from tests.servers.slack import Message, SlackServer


async def in_a_thread(asker: Answerer, question: Question) -> tuple[str, list[str]]:
    """The text of an answer in a stream, its footnotes as they were written, and all else there is to read."""
    async with _asked(question) as (slack, client, place):
        messages = MessageSequence(client, place, StreamingState(), _noted, _never)
        await deliver(asker.ask(question), SlackReply(client, place, question.id, Status(client, place), messages))
        return _shown([message for message in slack.store.messages if message.user == slack.bot.id])


async def privately(asker: Answerer, question: Question) -> tuple[str, list[str]]:
    """Return the same for a private answer to a command."""
    async with _asked(question) as (slack, client, place):
        url = slack.responses.url(slack.user, slack.channel.id)
        webhook = AsyncWebhookClient(f"{slack.origin}/response/{url.id}", session=client.session, retry_handlers=[])
        await deliver(asker.ask(question), EphemeralReply(client, webhook, place.channel, place.user, question.id))
        return _shown(slack.ephemerals(slack.user.id))


@asynccontextmanager
async def _asked(question: Question) -> AsyncIterator[tuple[SlackServer, AsyncWebClient, ReplyTarget]]:
    async with SlackServer() as slack, web_client(slack.bot_token, slack.base_url) as client:
        ts = slack.say(slack.user, slack.channel, question.text).ts
        yield slack, client, ReplyTarget(slack.channel.id, ts, ts, slack.user.id, slack.team.id, False, slack.bot.id)


async def _noted(messages: Sequence[str]) -> None:
    """Ignore the messages' ids, which no other process needs here."""


async def _never() -> bool:
    return False


def _shown(messages: list[Message]) -> tuple[str, list[str]]:
    text = re.sub(r"\[(\[\d+\])\]\([^)]*\)", r"\1", "".join(map(read, messages)))
    everything = [part for message in messages for part in (*_texts(message.blocks), message.text)]
    return text, [html.unescape(part) for part in everything]


def _texts(part: Any) -> list[str]:
    if isinstance(part, str):
        return [part]
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return [text for one in inner for text in _texts(one)]
