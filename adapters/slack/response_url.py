"""Ephemeral messages through the response URL of a command or a button."""

from collections.abc import Awaitable, Callable
from functools import partial

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient
from slack_sdk.webhook.webhook_response import WebhookResponse

from adapters.slack.blocks import Block
from adapters.slack.web_api import SlackUnreachableError
from core.chat.platform_errors import retry_policy

log = structlog.get_logger()

MAX_RESPONSES = 5
"""Slack accepts this many messages through one response URL, within half an hour."""


def response_webhook(client: AsyncWebClient, url: str) -> AsyncWebhookClient:
    """Return a client for the response URL of a command or a button, on the pooled connections."""
    return AsyncWebhookClient(url, session=client.session, retry_handlers=[])


async def respond(webhook: AsyncWebhookClient, blocks: list[Block], text: str, replace: bool) -> bool:
    """Send an ephemeral message through a response URL; return False if it could not be sent."""
    send = partial(webhook.send, text=text, blocks=blocks, response_type="ephemeral", replace_original=replace)
    return await _send_with_retries(send)


async def delete_original(webhook: AsyncWebhookClient) -> None:
    """Delete the ephemeral message whose button was pressed."""
    await _send_with_retries(partial(webhook.send, delete_original=True))


async def _send_with_retries(send: Callable[[], Awaitable[WebhookResponse]]) -> bool:
    try:
        async for attempt in retry_policy("slack"):
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
