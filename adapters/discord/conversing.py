"""What people write where the bot is: which of it is a question, and what follows when it is corrected or taken
back."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import structlog

from adapters.discord.answering import Answering, Asking
from adapters.discord.calling import Calls, Refused, Unreachable
from adapters.discord.events import Said, message_name
from adapters.discord.messages import greeting
from adapters.discord.names import Names
from adapters.discord.outlet import Outlet
from adapters.discord.place import Place
from core.chatting.desk import Desk
from core.chatting.handling import Handling
from core.vocabulary import Event, Person, Question, Taken, Turn

log = structlog.get_logger()


class Conversing:
    """Turns what is written into questions, each of them once. `me` is the bot's own id."""

    def __init__(
        self, calls: Calls, me: str, desk: Desk, handling: Handling, names: Names, answering: Answering
    ) -> None:
        self._calls = calls
        self._me = me
        self._desk = desk
        self._handling = handling
        self._names = names
        self._answering = answering

    async def hear(self, said: Said) -> None:
        """Takes a message, if it is the bot's business; what it leads to happens afterwards."""
        if await self._is_question(said):
            await self._handling.receive(Event((said.name,), {"said": asdict(said)}))

    async def hear_correction(self, said: Said, at: str) -> None:
        """A person edited what they had written."""
        await self._handling.receive(Event((f"edited:{said.name}:{at}",), {"corrected": asdict(said)}))

    async def hear_removal(self, channel: int, message: int) -> None:
        """A message was deleted. All processes hear of that, and each stops what it is writing itself."""
        name = message_name(channel, message)
        if running := self._answering.running.get(name):
            await self._handling.stop(name)
            await running.remove()
        event = Event((f"removed:{name}",), {"removed": {"channel": str(channel), "message": str(message)}})
        if await self._desk.replies.of(question_id(name)):
            await self._handling.receive(event)

    async def handle(self, body: Mapping[str, Any], taken: Taken) -> None:
        """Does what an event asks for, which this process has taken."""
        match body:
            case {"said": said}:
                await self._answer(Said(**said), taken)
            case {"corrected": said}:
                await self._answer_again(Said(**said))
            case {"removed": removed}:
                await self._withdraw(**removed)

    async def _is_question(self, said: Said) -> bool:
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

    async def _answer(self, said: Said, taken: Taken) -> None:
        text = await self._readable(said)
        if not text:
            await self._greet(said)
            return
        asking, old = self._asking(text, said), tuple[str, ...]()
        if taken is Taken.OVER:
            asking, old = await go_on(self._desk, asking, said.place)
        await self._answering.answer(said.name, asking, said.place, old)

    async def _answer_again(self, said: Said) -> None:
        """A corrected question is answered in the messages of its first answer. One that only now is a question is
        answered like any other."""
        await self._handling.stop(said.name)
        old = await self._desk.replies.of(question_id(said.name))
        if not old:
            await self.hear(said)
            return
        text = await self._readable(said)
        if not text:
            return
        await self._desk.once.seize(said.name)
        await self._desk.take_back(question_id(said.name))
        await self._answering.answer(said.name, self._asking(text, said, secrets.token_hex(8)), said.place, old)

    async def _withdraw(self, channel: str, message: str) -> None:
        """The question was deleted: an answer that is not whole yet goes with it."""
        name = message_name(channel, message)
        await self._handling.stop(name)
        outlet = Outlet(self._calls, Place(channel, ""))
        found = await self._desk.answers.recall(question_id(name))
        if found and found.answer:
            return
        for reply in await self._desk.replies.of(question_id(name)):
            await outlet.delete(reply)

    async def _readable(self, said: Said) -> str:
        text = await self._names.readable(said.text, said.guild, said.people)
        return f"{said.title}\n{text}" if said.title and said.title not in text else text

    def _asking(self, text: str, said: Said, nonce: str = "") -> Asking:
        return Asking(question_id(said.name), partial(self._compose, text, said), nonce=nonce)

    async def _compose(self, text: str, said: Said) -> Question:
        """What was written as a question, under an id that the same message always has."""
        person = Person(said.user, said.user_name)
        history = await self._before(said)
        return Question(text, said.conversation, person, history, id=question_id(said.name))

    async def _before(self, said: Said) -> tuple[Turn, ...]:
        """What a reply replies to: the bot's answer with its question, or what somebody else wrote."""
        found = await self._desk.remembered(said.about, said.conversation) if said.about else None
        if found and found.answer and found.question.conversation == said.conversation:
            return Turn("user", found.question.text), Turn("assistant", found.answer.text)
        if said.quoted and said.quoted_author:
            quoted = await self._names.readable(said.quoted, said.guild)
            return (Turn("user", f"{said.quoted_author}: {quoted}"),)
        return ()

    async def _greet(self, said: Said) -> None:
        try:
            examples = await self._desk.examples(said.conversation)
            await Outlet(self._calls, said.place).create(greeting(self._me, examples), question_id(said.name))
        except (Refused, Unreachable) as error:
            log.warning("a greeting could not be written", cause=str(error))


async def go_on(desk: Desk, asking: Asking, place: Place) -> tuple[Asking, tuple[str, ...]]:
    """What is left to do for a question that another process had, and the messages that it has written."""
    found = await desk.remembered(asking.id, place.conversation)
    answered = found.answer if found else None
    return Asking(asking.id, asking.compose, answered, asking.nonce), await desk.replies.of(asking.id)


def question_id(name: str) -> str:
    """The id of the question in a message or an interaction, the same in every process."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]
