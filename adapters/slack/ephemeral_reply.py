"""Messages that one user sees: answers to `/ask`, and responses to commands and buttons by their response URL."""

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
from adapters.slack.web_api import SlackUnreachableError, call_api, retry_policy
from core.answerer import Found, Searching
from core.chat.footnote_links import link_footnotes
from core.chat.message_splitter import split_stream
from core.chat.platform_errors import PlatformError
from core.domain import Answer, Footnote
from core.errors import FootnotedError

log = structlog.get_logger()

UPDATE_INTERVAL = timedelta(seconds=4)
MAX_RESPONSES = 5
"""Slack accepts this many messages by one response URL, within half an hour."""

MAX_UPDATES = 2
"""Of these responses; the others are for the end of the answer."""


class EphemeralReply:
    """The reply to `/ask`. What its response URL no longer accepts is sent as an ephemeral message."""

    def __init__(
        self, client: AsyncWebClient, webhook: AsyncWebhookClient, channel: str, user: str, question_id: str
    ) -> None:
        self._client = client
        self._webhook = webhook
        self._channel = channel
        self._user = user
        self._question_id = question_id
        self._posts: tuple[Footnote, ...] = ()
        self._responses = 0
        self._shown = ""

    async def note(self, progress: Searching | Found) -> None:
        match progress:
            case Searching():
                pass  # the acknowledgement has said so
            case Found():
                self._posts = progress.footnotes

    async def grow(self, text: str) -> None:
        if self._responses >= MAX_UPDATES:
            return
        [first, *_] = split_stream(self._render(text, ended=False), SOFT, HARD, ended=False) or [""]
        if first:
            self._shown = first
            await self._write([markdown(first), context("_… still writing_")], fallback(first), replace=True)

    async def finish(self, answer: Answer) -> None:
        parts = split_stream(self._render(answer.text), SOFT, HARD) or [""]
        below = [*sources(answer), *answer_buttons(self._question_id, shareable=True)]
        for at, part in enumerate(parts):
            blocks = [markdown(part), *(below if at == len(parts) - 1 else [])]
            await self._write(blocks, fallback(part), replace=at == 0)

    async def fail(self, error: FootnotedError) -> None:
        shown = [markdown(self._shown)] if self._shown else []
        await self._write([*shown, *failure(error, self._question_id)], error.user_message, replace=True)

    def _render(self, text: str, ended: bool = True) -> str:
        return neutralize_mentions(link_footnotes(text, self._posts), ended)

    async def _write(self, blocks: list[Block], text: str, replace: bool) -> None:
        self._responses += 1
        if self._responses <= MAX_RESPONSES and await respond(self._webhook, blocks, text, replace=replace):
            return
        try:
            await call_api(
                self._client.chat_postEphemeral(channel=self._channel, user=self._user, text=text, blocks=blocks)
            )
        except PlatformError as error:
            log.error("private answer could not be written", cause=str(error))


def response_webhook(client: AsyncWebClient, url: str) -> AsyncWebhookClient:
    """Return a client for the response URL of a command or a button, on the pooled connections."""
    return AsyncWebhookClient(url, session=client.session, retry_handlers=[])


async def respond(webhook: AsyncWebhookClient, blocks: list[Block], text: str, replace: bool) -> bool:
    """Write for one user by a response URL; return False when the URL is no longer accepted."""
    send = partial(webhook.send, text=text, blocks=blocks, response_type="ephemeral", replace_original=replace)
    return await _send_with_retries(send)


async def delete_original(webhook: AsyncWebhookClient) -> None:
    """Delete the message with the button that one user sees."""
    await _send_with_retries(partial(webhook.send, delete_original=True))


async def _send_with_retries(send: Callable[[], Awaitable[WebhookResponse]]) -> bool:
    try:
        async for attempt in retry_policy():
            with attempt:
                response = await _send(send)
    except SlackUnreachableError as error:
        log.warning("response URL unreachable", cause=str(error))
        return False
    if response.status_code != 200:
        log.warning("response URL refused", status=response.status_code, body=response.body[:100])
    return response.status_code == 200


async def _send(send: Callable[[], Awaitable[WebhookResponse]]) -> WebhookResponse:
    try:
        response = await send()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise SlackUnreachableError(f"{type(error).__name__}: {error}") from error
    if response.status_code == 429 or response.status_code >= 500:
        raise SlackUnreachableError(f"status {response.status_code}")
    return response
