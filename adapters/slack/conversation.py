"""Messages in conversations that the bot takes part in: questions, their edits and deletions."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from time import time
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.answer_writer import AnswerWriter
from adapters.slack.blocks import Block, answer_block_id, failure, greeting
from adapters.slack.events import MessageDeleted, MessageEdited, MessageEvent, MessageReceived
from adapters.slack.identity import BotIdentity
from adapters.slack.mentions import MentionResolver
from adapters.slack.message import add_reaction, close_stream, delete
from adapters.slack.question_builder import QuestionBuilder
from adapters.slack.reply import SlackReply, remedy_of, tell_directly
from adapters.slack.reply_target import ReplyTarget, target_of
from adapters.slack.web_api import SlackRefusedError, call_api
from core.chat.answer_session import RunningAnswer, current_task
from core.chat.error_report import report_error
from core.chat.event_dispatcher import EventDispatcher
from core.chat.pending_question import question_id
from core.chat.platform_errors import PlatformError
from core.chat.services import ChatServices
from core.chat.texts import CONVERSATION_FORGOTTEN, THREAD_FORGOTTEN
from core.events import Claim, Event
from core.i18n import gettext, use_language
from core.question_language import language_of
from core.small_talk import small_talk

log = structlog.get_logger()

FORGET = frozenset({"/forget", "forget", "forget this", "forget this conversation"})
NOTED_WITHIN = 5.0
"""Seconds within which the process that writes a message stores which question it answers."""

OTHERS = ("<@", "<!subteam^", "<!here", "<!channel", "<!everyone")
"""Parts of messages that are addressed to others."""

RECEIVED, EDITED, DELETED = "said", "corrected", "taken_back"
"""Keys of stored events."""


class ConversationHandler:
    """Answers messages that are for the bot, and follows their edits and deletions."""

    def __init__(
        self,
        client: AsyncWebClient,
        identity: BotIdentity,
        services: ChatServices,
        dispatcher: EventDispatcher,
        mentions: MentionResolver,
        questions: QuestionBuilder,
        answers: AnswerWriter,
    ) -> None:
        self._client = client
        self._identity = identity
        self._services = services
        self._dispatcher = dispatcher
        self._mentions = mentions
        self._questions = questions
        self._answers = answers
        self._edits: dict[str, asyncio.Task[None]] = {}

    async def receive(self, event: MessageEvent, event_id: str) -> None:
        """Claim an event that concerns the bot; it is handled later."""
        match event:
            case MessageReceived() if await self._is_question(event):
                await self._dispatcher.receive(Event((event.name, event_id), {RECEIVED: asdict(event)}))
            case MessageEdited():
                await self._dispatcher.receive(Event((event.name, event_id), {EDITED: asdict(event.message)}))
            case MessageDeleted():
                await self._dispatcher.receive(Event((event_id,), {DELETED: asdict(event)}))

    async def handle(self, body: Mapping[str, Any], claim: Claim) -> None:
        """Handle an event that this process has claimed."""
        if received := body.get(RECEIVED):
            await self._guarded(MessageReceived(**received), partial(self._answer, claim=claim))
        elif edited := body.get(EDITED):
            await self._guarded(MessageReceived(**edited), self._handle_edit)
        elif deleted := body.get(DELETED):
            await self._handle_deletion(MessageDeleted(**deleted))

    async def on_stop_pressed(self, channel: str, thread_ts: str) -> None:
        """Stop the answers in a thread whose stop button was pressed."""
        for name, running in list(self._answers.running.items()):
            target = running.reply.target
            if (target.channel, target.thread_ts) == (channel, thread_ts):
                await self._cancel_answer(name)
                await running.reply.stop()

    async def _guarded(self, message: MessageReceived, act: Callable[[MessageReceived], Awaitable[None]]) -> None:
        try:
            await act(message)
        except Exception as error:  # Boundary: report any error to the user.
            target = target_of(message, self._identity.user)
            if isinstance(error, SlackRefusedError):
                log.error("message was refused by the platform", name=message.name, cause=str(error))
                await tell_directly(self._client, target, remedy_of(error))
                return
            known = report_error("message handling failed", error, name=message.name)
            blocks = failure(known, question_id(message.name), message.ts)
            await self._post(target, known.translated_message, blocks)

    async def _cancel_answer(self, name: str) -> RunningAnswer[SlackReply] | None:
        """Stop the answer to a message, whether the message, an edit or a retry began it."""
        running = self._answers.running.get(name)
        await self._dispatcher.stop(name)
        if running:
            await self._dispatcher.stop_task(running.task)
        return running

    async def _is_question(self, message: MessageReceived) -> bool:
        """Return whether a message is for the bot.

        That is a mention, a direct message, and what may be a question in a thread where the bot has answered, or in a
        channel where it answers every question; except what mentions others, and small talk.
        """
        if self._questions.is_addressed(message):
            return True
        if any(other in message.text for other in OTHERS) or small_talk(message.text):
            return False
        if message.thread_ts:
            return await self._services.has_asked_in(message.conversation)
        return bool(message.text.strip()) and self._services.answers_every_question(message.conversation)

    async def _answer(self, message: MessageReceived, claim: Claim) -> None:
        target = target_of(message, self._identity.user)
        if claim is Claim.TAKEOVER:
            own = await self._own_messages(target)
            if _is_complete(own, message.name):
                return
            await self._delete_unfinished(own, message)
        text = await self._questions.readable_text(message)
        use_language(language_of(text) or await self._mentions.locale(message.user))
        if not text or text == "?" or small_talk(text) == "help":
            examples = await self._services.examples(message.conversation)
            await self._post(target, gettext("Ask me something."), greeting(self._identity.user, examples))
        elif text.lower() in FORGET:
            await self._services.forget(message.conversation)
            await self._post(target, gettext(CONVERSATION_FORGOTTEN if message.direct else THREAD_FORGOTTEN))
        elif not await self._react(message, small_talk(text)):
            await self._answers.write(message.name, self._questions.pending(text, message), target)
            if message.direct:
                await self._questions.set_title(text, message)

    async def _react(self, message: MessageReceived, kind: str | None) -> bool:
        """React to small talk; return False where that is impossible, or there is none."""
        if kind is None:
            return False
        try:
            await add_reaction(self._client, message.channel, message.ts, self._services.emoji[kind])
        except PlatformError as error:
            log.info("reaction refused", cause=str(error))
            return False
        return True

    async def _handle_edit(self, message: MessageReceived) -> None:
        """Answer the last of several edits of a question."""
        before = self._edits.get(message.name)
        self._edits[message.name] = current = current_task()
        try:
            stopped = before is not None and await self._dispatcher.stop_task(before)
            stored = await self._services.question(question_id(message.name), message.conversation)
            if stopped or (stored and stored.question.text != await self._questions.readable_text(message)):
                await self._answer_edited(message)
            elif not stored and await self._is_question(message):
                await self._dispatch(message)
        finally:
            if self._edits.get(message.name) is current:
                del self._edits[message.name]

    async def _dispatch(self, message: MessageReceived) -> None:
        """Dispatch a message that an edit made a question.

        One that has been handled before, such as a mention alone, cannot be claimed again and is answered here.
        """
        if not await self._dispatcher.receive(Event((message.name,), {RECEIVED: asdict(message)})):
            await self._answer_edited(message)

    async def _answer_edited(self, message: MessageReceived) -> None:
        """Answer an edited question in the messages of its first answer."""
        text = await self._questions.readable_text(message)
        if not text:
            return
        await self._cancel_answer(message.name)
        await self._services.reassign_event(message.name)
        old = await self._services.reply_messages(message.name)
        for ts in old:
            await close_stream(self._client, message.channel, ts)
        await self._services.supersede(question_id(message.name))
        target = target_of(message, self._identity.user)
        await self._answers.write(message.name, self._questions.pending(text, message), target, old)

    async def _handle_deletion(self, deleted: MessageDeleted) -> None:
        """Delete the unfinished answer to a deleted question."""
        running = await self._cancel_answer(deleted.name)
        await self._services.reassign_event(deleted.name)
        if running and not running.reply.over:
            await running.reply.remove()
            return
        for ts in await self._services.reply_messages(deleted.name):
            message = await self._questions.read_message(deleted.channel, ts)
            if message is None or not _is_complete([message], deleted.name):
                await delete(self._client, deleted.channel, ts)

    async def _own_messages(self, target: ReplyTarget) -> list[dict[str, Any]]:
        try:
            return await target.own_messages(self._client)
        except PlatformError as error:
            log.warning("thread could not be read", cause=str(error))
            return []

    async def _delete_unfinished(self, own: list[dict[str, Any]], message: MessageReceived) -> None:
        """Delete what a dead process had written of an answer."""
        unfinished = [each["ts"] for each in own if _is_abandoned(each)]
        noted = await self._services.reply_messages(message.name)
        for ts in {*noted, *await self._services.unclaimed_messages(unfinished)}:
            await delete(self._client, message.channel, ts)

    async def _post(self, target: ReplyTarget, text: str, blocks: list[Block] | None = None) -> None:
        await call_api(
            self._client.chat_postMessage(
                channel=target.channel, thread_ts=target.thread_ts, text=text, blocks=blocks, unfurl_links=False
            )
        )


def _is_complete(messages: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Return whether the end of an answer is among the messages."""
    block_id = answer_block_id(question_id(name))
    return any(block.get("block_id") == block_id for each in messages for block in each.get("blocks") or [])


def _is_abandoned(message: Mapping[str, Any]) -> bool:
    """Return whether a message may still grow, but is so old that the process that writes it must have noted it."""
    return message.get("streaming_state") == "in_progress" and time() - float(message["ts"]) > NOTED_WITHIN
