"""Handling of commands, buttons and forms that this process has claimed."""

from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from adapters.discord.answer_writer import AnswerWriter
from adapters.discord.escaping import cut_message, neutralize_mentions
from adapters.discord.interactions import UserInteraction
from adapters.discord.mentions import MentionResolver
from adapters.discord.message_sender import MessageSender
from adapters.discord.messages import (
    AGAIN,
    CANCEL,
    DOWN,
    EXAMPLE,
    REASON,
    REASON_FIELD,
    UP,
    WHY,
    Json,
    cancel_button,
    explanation,
    failure,
    greeting,
    message_content,
    posts_by_source,
    reason_button,
)
from adapters.discord.rest_api import DiscordRefusedError, RestApi
from core.chat import texts
from core.chat.error_report import report_error
from core.chat.pending_question import PendingQuestion, question_id
from core.chat.platform_errors import PlatformError
from core.chat.run_notice import RunNotice, cancel_run
from core.chat.services import ChatServices
from core.domain import Question, StoredQuestion
from core.events import Claim
from core.i18n import gettext, use_language

log = structlog.get_logger()


class InteractionHandler:
    """Answers each interaction visibly; errors become a sentence for the user."""

    def __init__(
        self, api: RestApi, bot_id: str, services: ChatServices, mentions: MentionResolver, answers: AnswerWriter
    ) -> None:
        self._api = api
        self._bot_id = bot_id
        self._services = services
        self._mentions = mentions
        self._answers = answers

    async def handle(self, interaction: UserInteraction, claim: Claim) -> None:
        use_language(interaction.locale)
        match interaction.action:
            case "ask":
                await self._ask(interaction, claim)
            case "reindex":
                await self._reindex(interaction)
            case "forget" | "sources" | "help":
                await self._answer_command(interaction)
            case _:
                await self._press(interaction)

    async def _ask(self, interaction: UserInteraction, claim: Claim) -> None:
        compose = partial(self._compose, interaction)
        pending = PendingQuestion(question_id(interaction.name), interaction.subject, compose)
        old: tuple[str, ...] = ()
        if claim is Claim.TAKEOVER:
            pending, old = await self._services.resume(pending, interaction.target.conversation)
        await self._answers.write(interaction.name, pending, interaction.target, old, quoted=True)

    async def _compose(self, interaction: UserInteraction) -> Question:
        text = await self._mentions.resolve(interaction.subject, interaction.target.guild)
        return _question(interaction, text or interaction.subject)

    async def _reindex(self, interaction: UserInteraction) -> None:
        sources = self._services.visible_sources(interaction.target.conversation)
        notice = RunNotice(_RunMessage(MessageSender(self._api, interaction.target)).write, failure, sources)
        options = interaction.options
        if options.get("rollback"):
            await notice.roll_back(self._services, interaction.person)
            return
        dry_run, force = bool(options.get("dry_run")), bool(options.get("force"))
        await notice.reindex(self._services, interaction.person, interaction.subject, dry_run=dry_run, force=force)

    async def _answer_command(self, interaction: UserInteraction) -> None:
        try:
            content = await self._content(interaction)
        except Exception as error:  # Boundary: report any error to the user.
            content = message_content(failure(report_error("command failed", error, action=interaction.action)))
        try:
            await MessageSender(self._api, interaction.target).create(content)
        except PlatformError as error:
            log.error("command response failed", action=interaction.action, cause=str(error))

    async def _content(self, interaction: UserInteraction) -> Json:
        public = interaction.target.place
        if interaction.action == "forget":
            await self._services.forget(public)
            await self._services.forget(interaction.target.conversation)  # the user's private one
            return message_content(gettext(texts.CHANNEL_FORGOTTEN))
        if interaction.action == "sources":
            return message_content(posts_by_source(await self._services.posts_by_source(public)))
        return greeting(self._bot_id, await self._services.examples(public))

    async def _press(self, interaction: UserInteraction) -> None:
        try:
            content = await self._press_response(interaction)
        except Exception as error:  # Boundary: report any error to the user.
            content = message_content(failure(report_error("button failed", error, action=interaction.action)))
        if content is None:
            return
        try:
            await MessageSender(self._api, interaction.target).send_ephemeral(content)
        except PlatformError as error:
            log.warning("button response failed", action=interaction.action, cause=str(error))

    async def _press_response(self, interaction: UserInteraction) -> Json | None:
        """Do what a button or form is for, and return what to show to its user alone."""
        match interaction.action:
            case action if action == CANCEL:
                return message_content(await cancel_run(self._services, interaction.person))
            case action if action == EXAMPLE:
                await self._ask_example(interaction)
                return None
            case action if action not in {UP, DOWN, WHY, REASON, AGAIN}:
                log.warning("unknown button pressed", action=action)
                return None
        stored = await self._services.question(interaction.subject, interaction.target.conversation)
        if stored is None:
            return message_content(gettext(texts.QUESTION_UNKNOWN))
        if interaction.action == WHY:
            return message_content(explanation(stored))
        if interaction.action == AGAIN:
            return await self._try_again(interaction, stored)
        return await self._take_feedback(interaction)

    async def _take_feedback(self, interaction: UserInteraction) -> Json:
        question, person = interaction.subject, interaction.person
        if interaction.action == REASON:
            if (reason := str(interaction.options.get(REASON_FIELD) or "")).strip():
                await self._services.explain_rating(question, person, reason)
            return message_content(gettext(texts.REASON_SAVED))
        await self._services.rate(question, person, "up" if interaction.action == UP else "down")
        if interaction.action == UP:
            return message_content(gettext(texts.THANKS))
        return message_content(gettext(texts.REASON_OFFER), reason_button(question))

    async def _try_again(self, interaction: UserInteraction, stored: StoredQuestion) -> Json | None:
        """Answer a failed question in the same messages, for the person who asked it."""
        asker = stored.question.person
        if asker and asker.id != interaction.target.user:
            return message_content(gettext(texts.NOT_YOUR_QUESTION))
        # Of a private answer, only the message with the button can be edited, by the button's own token.
        old = () if interaction.target.private else await self._services.reply_messages(interaction.subject)
        question = replace(stored.question, person=interaction.person)
        pending = PendingQuestion.of(question, nonce=question_id(interaction.name))
        old = old or (interaction.message,)
        await self._answers.write(interaction.name, pending, interaction.target, old, quoted=interaction.by_command)
        return None

    async def _ask_example(self, interaction: UserInteraction) -> None:
        """Answer an example in a new message below the help."""
        reply_to = interaction.message if interaction.target.outlives_token else ""
        target = replace(interaction.target, question=reply_to, original="")
        question = _question(interaction, interaction.subject)
        old = await self._services.reply_messages(question.id)
        await self._answers.write(interaction.name, PendingQuestion.of(question), target, old)


class _RunMessage:
    """The message of a run; after the token has expired, the bot's own, or a direct one where it may not write."""

    def __init__(self, sender: MessageSender) -> None:
        self._sender = sender
        self._id = ""

    async def write(self, text: str, cancellable: bool) -> None:
        rows: tuple[Any, ...] = (cancel_button(),) if cancellable else ()
        content = message_content(cut_message(neutralize_mentions(text)), *rows)
        if self._id:
            try:
                await self._sender.edit(self._id, content)
                return
            except DiscordRefusedError as error:
                log.info("run message no longer editable", cause=str(error))
            if not self._sender.target.writable:
                await self._sender.switch_to_dm()
        self._id = await self._sender.create(content)


def _question(interaction: UserInteraction, text: str) -> Question:
    return Question(text, interaction.target.conversation, interaction.person, id=question_id(interaction.name))
