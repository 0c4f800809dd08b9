"""Suggested questions where somebody opens a conversation with the bot."""

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.web_api import SlackRefusedError, SlackUnreachableError, call_api
from core.chat.services import ChatServices
from core.domain import Conversation

log = structlog.get_logger()

MOST = 4
"""Prompts that Slack shows."""

LONGEST_TITLE = 75


async def suggest(client: AsyncWebClient, desk: ChatServices, team: str, channel: str, thread_ts: str = "") -> None:
    """Questions that the posts surely answer, drawn from their titles and headings."""
    examples = await desk.examples(Conversation("slack", channel, team), MOST)
    if not examples:
        return
    prompts = [{"title": example[:LONGEST_TITLE], "message": example} for example in examples]
    try:
        await call_api(
            client.assistant_threads_setSuggestedPrompts(
                channel_id=channel, thread_ts=thread_ts or None, title="Ask the posts", prompts=prompts
            )
        )
    except (SlackRefusedError, SlackUnreachableError) as error:
        log.info("no questions can be suggested", cause=str(error))
