"""An answer to `/ask`, which only the user who asked can see."""

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from adapters.slack.blocks import Block, answer_buttons, context, failure, markdown, sources
from adapters.slack.escaping import fallback, neutralize_mentions, render_answer
from adapters.slack.message_sequence import HARD, SOFT
from adapters.slack.response_url import MAX_RESPONSES, respond
from adapters.slack.web_api import call_api
from core.answerer import AnswerProgress, Cited, Found, Retracted, Searching, Thinking
from core.chat.message_splitter import split_stream
from core.chat.platform_errors import PlatformError
from core.domain import Answer, Footnote
from core.errors import FootnotedError
from core.i18n import N_, gettext

log = structlog.get_logger()

STILL_WRITING = N_("… still writing")
MAX_UPDATES = 2
"""Responses that may show the growing answer; the others are kept for its end."""


class EphemeralReply:
    """The reply to `/ask`, through its response URL; what that no longer accepts is sent through the Web API."""

    def __init__(
        self,
        client: AsyncWebClient,
        webhook: AsyncWebhookClient,
        channel: str,
        user: str,
        question_id: str,
        quoted: str = "",
    ) -> None:
        self._head = f"> {neutralize_mentions(' '.join(quoted.split()))}\n\n" if quoted else ""
        self._client = client
        self._webhook = webhook
        self._channel = channel
        self._user = user
        self._question_id = question_id
        self._footnotes: dict[int, Footnote] = {}
        self._responses = 0
        self._shown = ""

    async def note(self, progress: AnswerProgress) -> None:
        match progress:
            case Searching() | Thinking():
                pass  # the acknowledgement says that the bot is at work
            case Found():
                pass
            case Cited():
                self._footnotes[progress.footnote.number] = progress.footnote
            case Retracted():
                self._footnotes, self._shown = {}, ""

    async def grow(self, text: str) -> None:
        if self._responses >= MAX_UPDATES:
            return
        rendered = self._head + render_answer(text, self._footnotes.values(), ended=False)
        [first, *_] = split_stream(rendered, SOFT, HARD, ended=False) or [""]
        if first:
            self._shown = first
            below = context(f"_{gettext(STILL_WRITING)}_")
            await self._write([markdown(first), below], fallback(first), replace=True)

    async def finish(self, answer: Answer) -> None:
        parts = split_stream(self._head + render_answer(answer.text, answer.footnotes), SOFT, HARD) or [""]
        buttons = answer_buttons(self._question_id, shareable=True, rated=answer.grounded)
        below = [] if answer.small_talk else [*sources(answer), *buttons]
        for at, part in enumerate(parts):
            blocks = [markdown(part), *(below if at == len(parts) - 1 else [])]
            await self._write(blocks, fallback(part), replace=at == 0)

    async def fail(self, error: FootnotedError) -> None:
        shown = [markdown(self._shown)] if self._shown else []
        await self._write([*shown, *failure(error, self._question_id)], error.translated_message, replace=True)

    async def _write(self, blocks: list[Block], text: str, replace: bool) -> None:
        self._responses += 1
        if self._responses <= MAX_RESPONSES and await respond(self._webhook, blocks, text, replace=replace):
            return
        try:
            await call_api(
                self._client.chat_postEphemeral(channel=self._channel, user=self._user, text=text, blocks=blocks)
            )
        except PlatformError as error:
            log.error("ephemeral answer could not be sent", cause=str(error))
