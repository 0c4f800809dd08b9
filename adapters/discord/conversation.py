"""Messages that people write, edit and delete: which of them are questions, and what follows."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import structlog

from adapters.discord.answer_writer import AnswerWriter
from adapters.discord.events import BodyKey, MessageReceived, message_name
from adapters.discord.mentions import MentionResolver
from adapters.discord.message_sender import MessageSender, ReplyTarget
from adapters.discord.messages import Json, greeting, message_content
from adapters.discord.rest_api import RestApi
from core.chat.event_dispatcher import EventDispatcher
from core.chat.pending_question import PendingQuestion, question_id
from core.chat.platform_errors import PlatformError
from core.chat.services import ChatServices
from core.domain import Person, Question, StoredQuestion, Turn
from core.events import Claim, Event
from core.i18n import N_, gettext
from core.question_language import use_language_of
from core.small_talk import small_talk

log = structlog.get_logger()

MENTION_ME = N_("Please mention {bot} itself, not its role: otherwise Discord does not show me what you wrote.")
MAX_CHAIN = 5
"""Exchanges that a reply brings with it."""


class ConversationHandler:
    """Turns messages into questions, each of them once."""

    def __init__(
        self,
        api: RestApi,
        bot_id: str,
        services: ChatServices,
        dispatcher: EventDispatcher,
        mentions: MentionResolver,
        answers: AnswerWriter,
    ) -> None:
        self._api = api
        self._bot_id = bot_id
        self._services = services
        self._dispatcher = dispatcher
        self._mentions = mentions
        self._answers = answers

    async def on_written(self, message: MessageReceived) -> None:
        """Claim a message if it is a question."""
        if await self._is_question(message):
            await self._dispatcher.receive(Event((message.name,), {BodyKey.RECEIVED: asdict(message)}))

    async def on_edited(self, message: MessageReceived, at: str) -> None:
        """Claim an edit, made by a person at the time `at`."""
        await self._dispatcher.receive(Event((f"edited:{message.name}:{at}",), {BodyKey.EDITED: asdict(message)}))

    async def on_deleted(self, channel: int, message: int) -> None:
        """Stop the answer that this process writes to a deleted message, and claim the deletion of the rest.

        Every process receives the event.
        """
        name = message_name(channel, message)
        if running := self._answers.running.get(name):
            await self._dispatcher.stop(name)
            await running.reply.remove()
        event = Event((f"removed:{name}",), {BodyKey.DELETED: {"channel": str(channel), "message": str(message)}})
        if await self._services.reply_messages(question_id(name)):
            await self._dispatcher.receive(event)

    async def handle(self, body: Mapping[str, Any], claim: Claim) -> None:
        """Handle an event that this process has claimed."""
        match body:
            case {BodyKey.RECEIVED: message}:
                await self._answer(MessageReceived(**message), claim)
            case {BodyKey.EDITED: message}:
                await self._answer_again(MessageReceived(**message))
            case {BodyKey.DELETED: removed}:
                await self._handle_deletion(**removed)

    async def _is_question(self, message: MessageReceived) -> bool:
        """Return whether a message is for the bot.

        It is when it mentions the bot, replies to one of its answers or is a direct message, or is written in a thread
        that the bot takes part in; where the bot answers every question, also a forum post and a message in a channel.
        Small talk is none.
        """
        if message.withheld:
            return True
        if not message.text.strip():
            return False  # only an attachment, or text that Discord withholds without the message content intent
        if message.to_me:
            return True
        if message.to_others or small_talk(message.text):
            return False
        if message.parent and not message.title:
            return await self._services.has_asked_in(message.conversation)
        return self._services.answers_every_question(message.conversation)

    async def _answer(self, message: MessageReceived, claim: Claim) -> None:
        if message.withheld:
            await self._tell(message, message_content(gettext(MENTION_ME).format(bot=f"<@{self._bot_id}>")))
            return
        text = await self._text(message)
        use_language_of(text)
        if not text or small_talk(text) == "help":
            await self._tell(message, greeting(self._bot_id, await self._services.examples(message.conversation)))
            return
        pending, old = self._pending(text, message), tuple[str, ...]()
        if claim is Claim.TAKEOVER:
            pending, old = await self._services.resume(pending, message.conversation)
        await self._answers.write(message.name, pending, message.target, old)

    async def _answer_again(self, message: MessageReceived) -> None:
        """Answer an edited question in the messages of its first answer; a message that becomes a question by the edit
        is answered like any other.
        """
        await self._dispatcher.stop(message.name)
        old = await self._services.reply_messages(question_id(message.name))
        if not old:
            await self.on_written(message)
            return
        text = await self._text(message)
        if not text:
            return
        await self._services.reassign_event(message.name)
        await self._services.supersede(question_id(message.name))
        await self._answers.write(message.name, self._pending(text, message, secrets.token_hex(8)), message.target, old)

    async def _handle_deletion(self, channel: str, message: str) -> None:
        """Delete an unfinished answer, whose question was deleted."""
        name = message_name(channel, message)
        await self._dispatcher.stop(name)
        if await self._services.has_answer(question_id(name)):
            return
        sender = MessageSender(self._api, ReplyTarget(channel, ""))
        for reply in await self._services.reply_messages(question_id(name)):
            await sender.delete(reply)

    async def _text(self, message: MessageReceived) -> str:
        text = await self._mentions.resolve(message.text, message.guild, message.people)
        return f"{message.title}\n{text}" if message.title and message.title not in text else text

    def _pending(self, text: str, message: MessageReceived, nonce: str = "") -> PendingQuestion:
        return PendingQuestion(
            question_id(message.name), text, partial(self._compose, text, message), nonce=nonce, addressed=message.to_me
        )

    async def _compose(self, text: str, message: MessageReceived) -> Question:
        person = Person(message.user, message.user_name)
        chain = await self._replied_to(message)
        return Question(
            text,
            message.conversation,
            person,
            exchanges(chain) or await self._quoted(message),
            id=question_id(message.name),
            addressed=message.to_me,
            follows=message.about if chain else "",
        )

    async def _replied_to(self, message: MessageReceived) -> list[StoredQuestion]:
        """Return the answered question that a message replies to, after those which that one followed."""
        chain: list[StoredQuestion] = []
        about = message.about
        while about and len(chain) < MAX_CHAIN:
            stored = await self._services.question(about, message.conversation)
            if stored is None or stored.answer is None:
                break
            chain.insert(0, stored)
            about = stored.question.follows
        return chain

    async def _quoted(self, message: MessageReceived) -> tuple[Turn, ...]:
        """Return another person's message, to which this one replies."""
        if not (message.quoted and message.quoted_author):
            return ()
        quoted = await self._mentions.resolve(message.quoted, message.guild)
        return (Turn("user", f"{message.quoted_author}: {quoted}"),)

    async def _tell(self, message: MessageReceived, content: Json) -> None:
        try:
            await MessageSender(self._api, message.target).create(content, question_id(message.name))
        except PlatformError as error:
            log.warning("message not answered", cause=str(error))


def exchanges(chain: Sequence[StoredQuestion]) -> tuple[Turn, ...]:
    """Return questions and their answers as turns of a conversation."""
    return tuple(
        turn
        for stored in chain
        if stored.answer
        for turn in (Turn("user", stored.question.text), Turn("assistant", stored.answer.text))
    )
