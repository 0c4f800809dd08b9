"""What people write where the bot is: which of it is a question, and what follows when it is corrected or taken
back."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import structlog

from adapters.discord.answer_session import AnswerSessions, PendingQuestion
from adapters.discord.events import MessageReceived, message_name
from adapters.discord.mentions import MentionResolver
from adapters.discord.message_sender import MessageSender
from adapters.discord.messages import greeting
from adapters.discord.reply_target import ReplyTarget
from adapters.discord.rest_api import DiscordRefusedError, DiscordUnreachableError, RestApi
from core.chat.event_dispatcher import EventDispatcher
from core.chat.services import ChatServices
from core.domain import Claim, Event, Person, Question, Turn

log = structlog.get_logger()


class ConversationHandler:
    """Turns what is written into questions, each of them once. `me` is the bot's own id."""

    def __init__(
        self,
        calls: RestApi,
        me: str,
        desk: ChatServices,
        handling: EventDispatcher,
        names: MentionResolver,
        answering: AnswerSessions,
    ) -> None:
        self._calls = calls
        self._me = me
        self._desk = desk
        self._handling = handling
        self._names = names
        self._answering = answering

    async def hear(self, said: MessageReceived) -> None:
        """Takes a message, if it is the bot's business; what it leads to happens afterwards."""
        if await self._is_question(said):
            await self._handling.receive(Event((said.name,), {"said": asdict(said)}))

    async def hear_correction(self, said: MessageReceived, at: str) -> None:
        """A person edited what they had written."""
        await self._handling.receive(Event((f"edited:{said.name}:{at}",), {"corrected": asdict(said)}))

    async def hear_removal(self, channel: int, message: int) -> None:
        """A message was deleted. All processes hear of that, and each stops what it is writing itself."""
        name = message_name(channel, message)
        if running := self._answering.running.get(name):
            await self._handling.stop(name)
            await running.remove()
        event = Event((f"removed:{name}",), {"removed": {"channel": str(channel), "message": str(message)}})
        if await self._desk.replies.messages_of(question_id(name)):
            await self._handling.receive(event)

    async def handle(self, body: Mapping[str, Any], taken: Claim) -> None:
        """Does what an event asks for, which this process has taken."""
        match body:
            case {"said": said}:
                await self._answer(MessageReceived(**said), taken)
            case {"corrected": said}:
                await self._answer_again(MessageReceived(**said))
            case {"removed": removed}:
                await self._withdraw(**removed)

    async def _is_question(self, said: MessageReceived) -> bool:
        """A mention, a reply to one of the bot's answers, a direct message; and where the bot answers every question,
        what opens a forum post, what is written in a channel, and what follows in a thread that the bot takes part in.
        What is said to somebody else is not for the bot."""
        if not said.text.strip():
            return False  # a picture alone, or what Discord keeps from a bot without the message content intent
        if said.to_me:
            return True
        if said.to_others or not self._desk.channels.answers_every_question(said.conversation):
            return False
        return bool(said.title) or not said.parent or await self._desk.answered_in(said.conversation)

    async def _answer(self, said: MessageReceived, taken: Claim) -> None:
        text = await self._readable(said)
        if not text:
            await self._greet(said)
            return
        asking, old = self._asking(text, said), tuple[str, ...]()
        if taken is Claim.TAKEOVER:
            asking, old = await resume_answers(self._desk, asking, said.place)
        await self._answering.answer(said.name, asking, said.place, old)

    async def _answer_again(self, said: MessageReceived) -> None:
        """A corrected question is answered in the messages of its first answer. One that only now is a question is
        answered like any other."""
        await self._handling.stop(said.name)
        old = await self._desk.replies.messages_of(question_id(said.name))
        if not old:
            await self.hear(said)
            return
        text = await self._readable(said)
        if not text:
            return
        await self._desk.once.reassign(said.name)
        await self._desk.take_back(question_id(said.name))
        await self._answering.answer(said.name, self._asking(text, said, secrets.token_hex(8)), said.place, old)

    async def _withdraw(self, channel: str, message: str) -> None:
        """The question was deleted: an answer that is not whole yet goes with it."""
        name = message_name(channel, message)
        await self._handling.stop(name)
        outlet = MessageSender(self._calls, ReplyTarget(channel, ""))
        found = await self._desk.answers.get(question_id(name))
        if found and found.answer:
            return
        for reply in await self._desk.replies.messages_of(question_id(name)):
            await outlet.delete(reply)

    async def _readable(self, said: MessageReceived) -> str:
        text = await self._names.readable(said.text, said.guild, said.people)
        return f"{said.title}\n{text}" if said.title and said.title not in text else text

    def _asking(self, text: str, said: MessageReceived, nonce: str = "") -> PendingQuestion:
        return PendingQuestion(question_id(said.name), partial(self._compose, text, said), nonce=nonce)

    async def _compose(self, text: str, said: MessageReceived) -> Question:
        """What was written as a question, under an id that the same message always has."""
        person = Person(said.user, said.user_name)
        history = await self._before(said)
        return Question(text, said.conversation, person, history, id=question_id(said.name))

    async def _before(self, said: MessageReceived) -> tuple[Turn, ...]:
        """What a reply replies to: the bot's answer with its question, or what somebody else wrote."""
        found = await self._desk.remembered(said.about, said.conversation) if said.about else None
        if found and found.answer and found.question.conversation == said.conversation:
            return Turn("user", found.question.text), Turn("assistant", found.answer.text)
        if said.quoted and said.quoted_author:
            quoted = await self._names.readable(said.quoted, said.guild)
            return (Turn("user", f"{said.quoted_author}: {quoted}"),)
        return ()

    async def _greet(self, said: MessageReceived) -> None:
        try:
            examples = await self._desk.examples(said.conversation)
            await MessageSender(self._calls, said.place).create(greeting(self._me, examples), question_id(said.name))
        except (DiscordRefusedError, DiscordUnreachableError) as error:
            log.warning("a greeting could not be written", cause=str(error))


async def resume_answers(
    desk: ChatServices, asking: PendingQuestion, place: ReplyTarget
) -> tuple[PendingQuestion, tuple[str, ...]]:
    """What is left to do for a question that another process had, and the messages that it has written."""
    found = await desk.remembered(asking.id, place.conversation)
    answered = found.answer if found else None
    return PendingQuestion(asking.id, asking.compose, answered, asking.nonce), await desk.replies.messages_of(asking.id)


def question_id(name: str) -> str:
    """The id of the question in a message or an interaction, the same in every process."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]
