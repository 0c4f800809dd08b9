"""A reply to a slash command: one person sees it, and it is written to the address that came with the command."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient
from slack_sdk.webhook.webhook_response import WebhookResponse

from adapters.slack.blocks import Block, answer_buttons, context, failure, markdown, sources
from adapters.slack.escaping import fallback, neutralize_mentions
from adapters.slack.message_sequence import HARD, SOFT
from adapters.slack.web_api import SlackRefusedError, SlackUnreachableError, call_api, retry_policy
from core.answerer import Found, Searching
from core.chat.footnote_links import link_footnotes
from core.chat.message_splitter import split_stream
from core.domain import Answer, Footnote
from core.errors import FootnotedError

log = structlog.get_logger()

SEARCHING = "Searching the posts…"
GROWS_EVERY = timedelta(seconds=4)
USES = 5
"""Slack takes so many writings to one address, within half an hour."""

GROWTHS = 2
"""Of these; the others are for the end of the answer."""


class EphemeralReply:
    """Answers `/ask`. What the address does not take any more is sent as an ephemeral message."""

    def __init__(
        self, client: AsyncWebClient, webhook: AsyncWebhookClient, channel: str, user: str, question_id: str
    ) -> None:
        self._client = client
        self._webhook = webhook
        self._channel = channel
        self._user = user
        self._question_id = question_id
        self._posts: tuple[Footnote, ...] = ()
        self._uses = 0
        self._shown = ""

    async def note(self, progress: Searching | Found) -> None:
        match progress:
            case Searching():
                pass  # the acknowledgement has said so
            case Found():
                self._posts = progress.footnotes

    async def grow(self, text: str) -> None:
        if self._uses >= GROWTHS:
            return
        [first, *_] = split_stream(self._written(text, ended=False), SOFT, HARD, ended=False) or [""]
        if first:
            self._shown = first
            await self._write([markdown(first), context("_… still writing_")], fallback(first), replace=True)

    async def finish(self, answer: Answer) -> None:
        parts = split_stream(self._written(answer.text), SOFT, HARD) or [""]
        below = [*sources(answer), *answer_buttons(self._question_id, shareable=True)]
        for place, part in enumerate(parts):
            blocks = [markdown(part), *(below if place == len(parts) - 1 else [])]
            await self._write(blocks, fallback(part), replace=place == 0)

    async def fail(self, error: FootnotedError) -> None:
        written = [markdown(self._shown)] if self._shown else []
        await self._write([*written, *failure(error, self._question_id)], error.user_message, replace=True)

    def _written(self, text: str, ended: bool = True) -> str:
        return neutralize_mentions(link_footnotes(text, self._posts), ended)

    async def _write(self, blocks: list[Block], text: str, replace: bool) -> None:
        self._uses += 1
        if self._uses <= USES and await respond(self._webhook, blocks, text, replace=replace):
            return
        try:
            await call_api(
                self._client.chat_postEphemeral(channel=self._channel, user=self._user, text=text, blocks=blocks)
            )
        except (SlackRefusedError, SlackUnreachableError) as error:
            log.error("a private answer could not be written", cause=str(error))


async def respond(webhook: AsyncWebhookClient, blocks: list[Block], text: str, replace: bool) -> bool:
    """Writes to the address of a command or a button, for one person; False when it does not take that any more."""
    send = partial(webhook.send, text=text, blocks=blocks, response_type="ephemeral", replace_original=replace)
    return await _sent(send)


async def withdraw(webhook: AsyncWebhookClient) -> None:
    """Takes away what stands before one person."""
    await _sent(partial(webhook.send, delete_original=True))


async def _sent(send: Callable[[], Awaitable[WebhookResponse]]) -> bool:
    """Whether Slack took it; when Slack is out of order, it is tried again."""
    try:
        async for attempt in retry_policy():
            with attempt:
                response = await _answered(send)
    except SlackUnreachableError as error:
        log.warning("an address of Slack does not answer", cause=str(error))
        return False
    if response.status_code != 200:
        log.warning("an address of Slack refuses", status=response.status_code, said=response.body[:100])
    return response.status_code == 200


async def _answered(send: Callable[[], Awaitable[WebhookResponse]]) -> WebhookResponse:
    try:
        response = await send()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise SlackUnreachableError(f"{type(error).__name__}: {error}") from error
    if response.status_code == 429 or response.status_code >= 500:
        raise SlackUnreachableError(f"status {response.status_code}")
    return response
