"""Buttons under an answer: rating, reason, explanation, retry, sharing, and example questions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from adapters.slack import blocks
from adapters.slack.answer_writer import AnswerWriter
from adapters.slack.blocks import Block, context, markdown, section
from adapters.slack.commands import Commands, private_conversation
from adapters.slack.escaping import fallback, neutralize_mentions, render_answer
from adapters.slack.events import Click
from adapters.slack.mentions import MentionResolver
from adapters.slack.message import message_content
from adapters.slack.message_sequence import HARD, SOFT
from adapters.slack.question_builder import QuestionBuilder
from adapters.slack.reply_target import ReplyTarget
from adapters.slack.response_url import delete_original, respond, response_webhook
from adapters.slack.web_api import SlackRefusedError, call_api
from core.chat import texts
from core.chat.error_report import report_error
from core.chat.message_splitter import split_stream
from core.chat.pending_question import PendingQuestion, question_id
from core.chat.platform_errors import PlatformError
from core.chat.services import ChatServices
from core.domain import Answer, Conversation, Question
from core.events import Claim
from core.i18n import N_, gettext, use_language

log = structlog.get_logger()

FORM_EXPIRED = N_("That took too long. Please press the button again.")
SHARED = N_("Shared in the channel.")
NO_ACCESS = N_("I'm not allowed to write in this channel. Invite me with `/invite`, then share again.")


class Buttons:
    """Handles presses of buttons."""

    def __init__(
        self,
        client: AsyncWebClient,
        services: ChatServices,
        mentions: MentionResolver,
        questions: QuestionBuilder,
        answers: AnswerWriter,
        commands: Commands,
        bot_user: str,
    ) -> None:
        self._client = client
        self._services = services
        self._mentions = mentions
        self._questions = questions
        self._answers = answers
        self._commands = commands
        self._bot_user = bot_user
        self._retrying: set[str] = set()

    async def press(self, click: Click, claim: Claim = Claim.NEW) -> None:
        """Handle a press and report its errors to the user."""
        use_language(await self._mentions.locale(click.user))
        try:
            await self._handle(click, claim)
        except Exception as error:  # Boundary: report any error to the user.
            known = report_error("button failed", error, action=click.action)
            await self._tell(click, known.translated_message, [section(blocks.error_text(known))])

    async def save_reason(self, view: Mapping[str, Any], user: str) -> None:
        use_language(await self._mentions.locale(user))
        reason = view["state"]["values"][blocks.REASON][blocks.REASON].get("value") or ""
        rated_id, channel, thread_ts = [*str(view["private_metadata"]).split(), "", "", ""][:3]
        if not reason.strip():
            return
        text = gettext(texts.REASON_SAVED)
        try:
            await self._services.explain_rating(rated_id, await self._mentions.person(user), reason)
        except Exception as error:  # Boundary: report any error to the user.
            text = texts.failure_text(report_error("rating failed", error))
        if channel:
            await self._tell_alone(channel, user, thread_ts, text, [context(text)])

    async def _handle(self, click: Click, claim: Claim) -> None:
        match click.action:
            case blocks.CANCEL:
                await self._commands.cancel(click)
            case blocks.FEEDBACK:
                await self._rate(click)
            case blocks.REASON:
                await self._open_form(click)
            case blocks.WHY:
                stored = await self._services.question(click.value, click.conversation)
                explained = blocks.explanation(stored) if stored else [section(gettext(texts.QUESTION_UNKNOWN))]
                await self._tell(click, gettext(texts.WHY_LABEL), explained)
            case blocks.DETAILS:
                stored = await self._services.question(click.value, click.conversation)
                detailed = blocks.details(stored) if stored else [section(gettext(texts.QUESTION_UNKNOWN))]
                await self._tell(click, gettext(texts.WHY_LABEL), detailed)
            case blocks.AGAIN:
                await self._retry_once(click)
            case blocks.SHARE:
                await self._share_once(click)
            case blocks.EXAMPLE:
                await self._ask_example(click, claim)
            case unknown:
                log.warning("unknown button pressed", action=unknown)

    async def _rate(self, click: Click) -> None:
        rating, _, rated_id = click.value.partition(":")
        if await self._services.question(rated_id, click.conversation) is None:
            await self._tell(click, gettext(texts.QUESTION_UNKNOWN))
            return
        person = await self._mentions.person(click.user)
        await self._services.rate(rated_id, person, "up" if rating == "up" else "down")
        if rating == "down":
            await self._tell(click, gettext(texts.REASON_TITLE), blocks.reason_offer(rated_id))
        else:
            await self._tell(click, gettext(texts.THANKS), [context(gettext(texts.THANKS))])

    async def _open_form(self, click: Click) -> None:
        try:
            await call_api(
                self._client.views_open(
                    trigger_id=click.trigger_id, view=blocks.reason_form(click.value, click.channel, click.thread_ts)
                )
            )
        except PlatformError as error:
            log.warning("form could not be opened", cause=str(error))
            await self._tell(click, gettext(FORM_EXPIRED))

    async def _retry_once(self, click: Click) -> None:
        """Ignore repeated clicks on “Try again” while the first is running."""
        message = f"{click.channel}:{click.message_ts}"
        if message in self._retrying:
            return
        self._retrying.add(message)
        try:
            await self._retry(click)
        finally:
            self._retrying.discard(message)

    async def _retry(self, click: Click) -> None:
        """Write a failed answer again, in its own messages."""
        failed_id, _, question_ts = click.value.partition(":")
        question = await self._failed_question(click, failed_id, question_ts)
        if question is None:
            await self._tell(click, gettext(texts.QUESTION_UNKNOWN))
            return
        if question.person and question.person.id != click.user:
            await self._tell(click, gettext(texts.NOT_YOUR_QUESTION))
            return
        question = replace(question, person=await self._mentions.person(click.user), addressed=True)
        if click.ephemeral and not question_ts:
            await self._commands.answer(question, self._webhook(click))
            return
        if click.ephemeral:
            await delete_original(self._webhook(click))
        name = f"{click.team}:{click.channel}:{question_ts}"
        running = self._answers.running.get(name)
        if running and not running.reply.over:
            return
        old = () if click.ephemeral else await self._services.reply_messages(name) or (click.message_ts,)
        thread_ts = click.thread_ts or (question.conversation.thread if question.conversation else "") or question_ts
        target = self._target(click, thread_ts, question_ts)
        await self._answers.write(name, PendingQuestion.of(question), target, old)

    async def _failed_question(self, click: Click, failed_id: str, question_ts: str) -> Question | None:
        """Return a question with the thread before it, which is stored nowhere else."""
        if question_ts and (rebuilt := await self._questions.rebuild(click.channel, question_ts)):
            return rebuilt
        stored = await self._services.question(failed_id, click.conversation)
        return stored.question if stored else None

    async def _ask_example(self, click: Click, claim: Claim) -> None:
        person = await self._mentions.person(click.user)
        if click.ephemeral:
            conversation = private_conversation(click.channel, click.team, click.user)
            await self._commands.answer(Question(click.value, conversation, person), self._webhook(click), quoted=True)
            return
        thread_ts = click.thread_ts or click.message_ts
        conversation = Conversation("slack", click.channel, click.team, "" if click.direct else thread_ts)
        name = f"{click.team}:{click.channel}:{click.trigger_id}"
        question = Question(click.value, conversation, person, id=question_id(name))
        old: tuple[str, ...] = ()
        if claim is Claim.TAKEOVER:
            if await self._services.has_answer(question.id):
                return
            old = await self._services.reply_messages(name)
        target = self._target(click, thread_ts, click.message_ts)
        if claim is Claim.NEW:
            await self._show_question(target, question)
        await self._answers.write(name, PendingQuestion.of(question), target, old)

    async def _show_question(self, target: ReplyTarget, question: Question) -> None:
        """Say above the answer to an example what was asked, and by whom."""
        name = question.person.name if question.person else ""
        asked = gettext("**{name} asked:** {question}").format(name=name, question=question.text)
        content = message_content(neutralize_mentions(asked), [])
        try:
            await call_api(self._client.chat_postMessage(channel=target.channel, thread_ts=target.thread_ts, **content))
        except PlatformError as error:
            log.warning("example question could not be shown", cause=str(error))

    async def _share_once(self, click: Click) -> None:
        """Share an answer unless that has been done, or is being done."""
        shared = f"share:{click.value}"
        if shared in self._retrying:
            return
        self._retrying.add(shared)
        try:
            if await self._services.reply_messages(shared):
                await self._tell(click, gettext(texts.ALREADY_SHARED))
            else:
                await self._share(click)
        finally:
            self._retrying.discard(shared)

    async def _share(self, click: Click) -> None:
        stored = await self._services.question(click.value, click.conversation)
        if stored is None or stored.answer is None:
            await self._tell(click, gettext(texts.QUESTION_UNKNOWN))
            return
        try:
            await self._post(click, stored.question, stored.answer)
        except SlackRefusedError as error:
            log.warning("answer could not be shared", cause=str(error))
            await self._tell(click, gettext(NO_ACCESS))
        else:
            await respond(self._webhook(click), [context(gettext(SHARED))], gettext(SHARED), replace=True)

    async def _post(self, click: Click, question: Question, answer: Answer) -> None:
        name = (await self._mentions.person(click.user)).name
        asked = gettext("**{name} asked:** {question}").format(name=name, question=question.text)
        head = f"{neutralize_mentions(asked)}\n\n"
        parts = split_stream(head + render_answer(answer.text, answer.footnotes), SOFT, HARD)
        thread_ts = None
        for at, part in enumerate(parts):
            last = at == len(parts) - 1
            below = (
                [*blocks.sources(answer), *blocks.answer_buttons(question.id, rated=answer.grounded)] if last else []
            )
            posted = await call_api(
                self._client.chat_postMessage(
                    channel=click.channel,
                    thread_ts=thread_ts,
                    text=fallback(part),
                    blocks=[markdown(part), *below],
                    unfurl_links=False,
                    unfurl_media=False,
                )
            )
            thread_ts = thread_ts or posted["ts"]
        await self._services.note_reply(f"share:{question.id}", [str(thread_ts)])

    async def _tell(self, click: Click, text: str, shown: list[Block] | None = None) -> None:
        """Respond to the user alone, where they pressed the button."""
        shown = shown or [section(text)]
        if click.ephemeral and await respond(self._webhook(click), shown, text, replace=False):
            return
        if not await self._tell_alone(click.channel, click.user, click.thread_ts, text, shown):
            await respond(self._webhook(click), shown, text, replace=False)

    async def _tell_alone(self, channel: str, user: str, thread_ts: str, text: str, shown: list[Block]) -> bool:
        """Show a message to one user; return False where Slack does not let the bot."""
        try:
            await call_api(
                self._client.chat_postEphemeral(
                    channel=channel, user=user, thread_ts=thread_ts or None, text=text, blocks=shown
                )
            )
        except PlatformError as error:
            log.warning("button response failed", cause=str(error))
            return False
        return True

    def _webhook(self, click: Click) -> AsyncWebhookClient:
        return response_webhook(self._client, click.response_url)

    def _target(self, click: Click, thread_ts: str, question_ts: str) -> ReplyTarget:
        return ReplyTarget(
            channel=click.channel,
            thread_ts=thread_ts,
            question_ts=question_ts,
            user=click.user,
            user_team=click.user_team or click.team,
            direct=click.direct,
            bot_user=self._bot_user,
        )
