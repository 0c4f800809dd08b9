"""An answer in a Slack thread: a status, a growing text and, at its end, sources and buttons."""

import asyncio
from collections.abc import Mapping

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.blocks import again, answer_buttons, failure, rate_limited, sources
from adapters.slack.escaping import render_answer
from adapters.slack.message import add_reaction
from adapters.slack.message_sequence import MessageSequence, is_access_refused
from adapters.slack.reply_target import ReplyTarget
from adapters.slack.status import Status
from adapters.slack.web_api import SlackRefusedError, SlackUnreachableError, call_api
from core.answerer import AnswerProgress, Cited, Found, Retracted, Searching, Thinking
from core.chat.emoji import DEFAULT_EMOJI, short_name
from core.chat.platform_errors import AnswerStoppedError, PlatformError, RefusedError
from core.chat.texts import THINKING, asked_elsewhere_text
from core.domain import Answer, Footnote
from core.errors import FootnotedError, TooManyQuestionsError
from core.i18n import N_, gettext, ngettext

log = structlog.get_logger()

STOPPED = N_("Stopped.")
SEARCHED = N_("Searched the posts")
REMEDIES = {
    "not_in_channel": N_("I am not in that channel: invite me there with `/invite`, and ask again."),
    "channel_not_found": N_("I cannot see that channel: invite me there with `/invite`, and ask again."),
    "is_archived": N_("That channel is archived, so I cannot answer there."),
    "restricted_action": N_("I'm not allowed to post in that channel. An admin can change who can post there."),
}
NOT_ALLOWED = N_("Slack does not let me write there ({code}). An admin of the workspace can change that.")


def remedy_of(error: RefusedError) -> str:
    """Return what the asker can do about a refusal."""
    code = error.code if isinstance(error, SlackRefusedError) else ""
    known = REMEDIES.get("restricted_action" if code.startswith("restricted_action") else code)
    return gettext(known) if known else gettext(NOT_ALLOWED).format(code=code or "refused")


async def tell_directly(client: AsyncWebClient, target: ReplyTarget, text: str) -> None:
    """Send the asker a direct message about the channel of a question. Raises what `call_api` raises."""
    opened = await call_api(client.conversations_open(users=target.user))
    text = asked_elsewhere_text(target.channel, text)
    await call_api(client.chat_postMessage(channel=opened["channel"]["id"], text=text))


class SlackReply:
    """The reply to one question in its thread."""

    def __init__(
        self,
        client: AsyncWebClient,
        target: ReplyTarget,
        question_id: str,
        status: Status,
        messages: MessageSequence,
        emoji: Mapping[str, str] = DEFAULT_EMOJI,
    ) -> None:
        self.target = target
        self._client = client
        self._question_id = question_id
        self._status = status
        self._messages = messages
        self._emoji = emoji
        self._footnotes: dict[int, Footnote] = {}
        self._stopped_note = gettext(STOPPED)
        self.over = False
        self._steps: asyncio.Task[None] | None = None

    async def note(self, progress: AnswerProgress) -> None:
        match progress:
            case Searching():
                # The stop button is another event, which knows nothing of the question.
                self._stopped_note = gettext(STOPPED)
            case Found():
                if count := len({hit.passage.url for hit in progress.hits}):
                    self._steps = asyncio.create_task(self._show_steps(count))
            case Thinking():
                self._status.set(gettext("is thinking…"), (THINKING,))
            case Cited():
                self._footnotes[progress.footnote.number] = progress.footnote
            case Retracted():
                self._footnotes = {}
                self._messages.retract()

    async def _show_steps(self, posts: int) -> None:
        """Show what has been done and is being done: in the answer's message, else by its status."""
        answering = ngettext("Answering from {count} post", "Answering from {count} posts", posts)
        if not await self._messages.show_steps((gettext(SEARCHED), answering)):
            self._status.set(ngettext("is reading {count} post…", "is reading {count} posts…", posts))

    async def _steps_shown(self) -> None:
        """Wait until the steps are shown or refused: the answer goes on in the same message."""
        if self._steps:
            await asyncio.wait([self._steps])
            if not self._steps.cancelled() and (error := self._steps.exception()):
                log.warning("steps could not be shown", cause=str(error))
            self._replace_status()

    async def grow(self, text: str) -> None:
        """Show the text so far.

        Raise AnswerStoppedError, and SlackRefusedError where the bot may not write. After other failures, the text is
        shown with the next call.
        """
        await self._steps_shown()
        try:
            await self._messages.show(render_answer(text, self._footnotes.values(), ended=False))
        except SlackRefusedError as error:
            if is_access_refused(error.code):
                raise
            log.warning("answer update failed", cause=str(error))
        except SlackUnreachableError as error:
            log.warning("answer update failed", cause=str(error))
        else:
            self._replace_status()

    async def finish(self, answer: Answer) -> None:
        await self._steps_shown()
        try:
            text = render_answer(answer.text, answer.footnotes)
            below = (
                []
                if answer.small_talk
                else [*sources(answer), *answer_buttons(self._question_id, rated=answer.grounded)]
            )
            await self._messages.finish(text, below)
        except AnswerStoppedError as error:
            log.info("answer stopped", cause=str(error))
        self.over = True
        self._replace_status()

    async def fail(self, error: FootnotedError) -> None:
        """Keep the text so far, with the error's sentence below it; a rate limit is told to the user alone."""
        if self.over:
            return
        await self._steps_shown()
        if isinstance(error, TooManyQuestionsError) and not self._messages.ids:
            await self._fail_privately(error)
            return
        await self._break_off(error)
        self.over = True
        self._replace_status()

    async def stop(self) -> None:
        """Mark the text shown so far as stopped."""
        self.over = True
        await self._steps_shown()
        await self._messages.stop(f"_{self._stopped_note}_", again(self._question_id, self.target.question_ts))

    async def remove(self) -> None:
        self.over = True
        await self._steps_shown()
        await self._messages.delete()

    def remedy(self, error: RefusedError) -> str:
        return remedy_of(error)

    async def mark_unanswered(self) -> None:
        try:
            await add_reaction(self._client, self.target.channel, self.target.question_ts, self._emoji["unanswered"])
        except PlatformError as error:
            log.info("reaction refused", cause=str(error))

    async def tell_asker(self, text: str) -> None:
        await tell_directly(self._client, self.target, text)

    def _replace_status(self) -> None:
        # Slack keeps the status when an old message is edited.
        if self._messages.has_new_message:
            self._status.mark_replaced()

    async def _break_off(self, error: FootnotedError) -> None:
        try:
            await self._messages.break_off(
                failure(error, self._question_id, self.target.question_ts, short_name(self._emoji["warning"]))
            )
        except AnswerStoppedError as stopped:
            log.info("answer stopped", cause=str(stopped))

    async def _fail_privately(self, error: TooManyQuestionsError) -> None:
        in_thread = self.target.thread_ts != self.target.question_ts
        try:
            await call_api(
                self._client.chat_postEphemeral(
                    channel=self.target.channel,
                    user=self.target.user,
                    thread_ts=self.target.thread_ts if in_thread else None,
                    text=error.translated_message,
                    blocks=rate_limited(error, self._question_id, self.target.question_ts),
                )
            )
        except PlatformError:
            await self._break_off(error)
