"""What people say where the bot is: which of it is a question, and what follows when it is corrected or taken back."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.answering import Answering, Asking
from adapters.slack.blocks import greeting, whole
from adapters.slack.calling import Refused, Unreachable, heard
from adapters.slack.events import Corrected, Me, Said, TakenBack
from adapters.slack.messages import close_stream, delete
from adapters.slack.names import Names
from adapters.slack.place import Place, place_of
from adapters.slack.threads import read_thread
from core.chatting.desk import Desk
from core.chatting.handling import Handling
from core.vocabulary import Event, Person, Question, Taken

log = structlog.get_logger()

FORGET = frozenset({"/forget", "forget", "forget this", "forget this conversation"})
FORGOTTEN = "I have forgotten this conversation."

TO_OTHERS = ("<@", "<!subteam^", "<!here", "<!channel", "<!everyone")
"""What a message begins with that is for somebody else."""


class Conversing:
    """Turns what is said into questions, each of them once."""

    def __init__(
        self, client: AsyncWebClient, me: Me, desk: Desk, handling: Handling, names: Names, answering: Answering
    ) -> None:
        self._client = client
        self._me = me
        self._desk = desk
        self._handling = handling
        self._names = names
        self._answering = answering

    async def hear(self, meaning: Said | Corrected | TakenBack, event_id: str) -> None:
        """Takes an event, if it is the bot's business; what it leads to happens afterwards."""
        match meaning:
            case Said() if await self._is_question(meaning):
                await self._handling.receive(Event((meaning.name, event_id), {"said": asdict(meaning)}))
            case Corrected():
                await self._handling.receive(Event((event_id,), {"corrected": asdict(meaning.said)}))
            case TakenBack():
                await self._handling.receive(Event((event_id,), {"taken_back": asdict(meaning)}))

    async def handle(self, body: Mapping[str, Any], taken: Taken) -> None:
        """Does what an event asks for, which this process has taken."""
        if said := body.get("said"):
            await self._answer(Said(**said), taken)
        elif corrected := body.get("corrected"):
            await self._answer_again(Said(**corrected))
        elif taken_back := body.get("taken_back"):
            await self._withdraw(TakenBack(**taken_back))

    async def stop(self, channel: str, thread_ts: str) -> None:
        """Somebody has pressed the stop button of a thread."""
        for name, running in list(self._answering.running.items()):
            if (running.place.channel, running.place.thread_ts) == (channel, thread_ts):
                await self._handling.stop(name)
                await running.reply.stop()

    def _asking(self, text: str, said: Said) -> Asking:
        return Asking(question_id(said.name), partial(self._compose, text, said))

    async def _compose(self, text: str, said: Said) -> Question:
        """What was said as a question, under an id that the same message always has."""
        person = Person(said.user, await self._names.person(said.user))
        history = await read_thread(self._client, said, self._me.user, self._names) if said.thread_ts else ()
        return Question(text, said.conversation, person, history, id=question_id(said.name))

    async def _is_question(self, said: Said) -> bool:
        """A mention, a direct message, what follows in a thread that the bot takes part in, and anything in a channel
        where it answers every question. What is said to somebody else is not for the bot."""
        if said.direct or self._me.is_mentioned(said.text):
            return True
        if said.text.lstrip().startswith(TO_OTHERS):
            return False
        if said.thread_ts:
            return await self._desk.answered_in(said.conversation)
        return bool(said.text.strip()) and self._desk.channels.answers_every_question(said.conversation)

    async def _answer(self, said: Said, taken: Taken) -> None:
        place = place_of(said, self._me.user)
        old = await self._desk.replies.of(said.name) if taken is Taken.OVER else ()
        if taken is Taken.OVER and await self._is_whole(place, said.name):
            return
        text = await self._names.readable(said.text)
        if not text:
            await self._greet(said, place)
        elif text.lower() in FORGET:
            await self._desk.forget(said.conversation)
            await self._say(place, FORGOTTEN)
        else:
            for ts in old:
                await delete(self._client, said.channel, ts)
            await self._answering.answer(said.name, self._asking(text, said), place)

    async def _answer_again(self, said: Said) -> None:
        """A corrected question is answered in the messages of its first answer. One that only now is a question is
        answered like any other; Slack tells of it in two ways, and only once it is new."""
        text = await self._names.readable(said.text)
        known = await self._desk.remembered(question_id(said.name), said.conversation)
        if known is None:
            if await self._is_question(said):
                await self._handling.receive(Event((said.name,), {"said": asdict(said)}))
            return
        if not text or text == known.question.text:
            return
        await self._handling.stop(said.name)
        await self._desk.once.seize(said.name)
        old = await self._desk.replies.of(said.name)
        for ts in old:
            await close_stream(self._client, said.channel, ts)
        await self._desk.take_back(question_id(said.name))
        place = place_of(said, self._me.user)
        await self._answering.answer(said.name, self._asking(text, said), place, old)

    async def _withdraw(self, gone: TakenBack) -> None:
        """The question was deleted: an answer that is not whole yet goes with it."""
        running = self._answering.running.get(gone.name)
        await self._handling.stop(gone.name)
        if running:
            await running.reply.remove()
            return
        messages = await self._desk.replies.of(gone.name)
        for ts in messages:
            if not await self._ended(gone.channel, ts, gone.name):
                await delete(self._client, gone.channel, ts)

    async def _is_whole(self, place: Place, name: str) -> bool:
        """Whether the process that is gone had written the answer to its end."""
        try:
            own = await place.own_since_question(self._client)
        except (Refused, Unreachable) as error:
            log.warning("the thread cannot be read", cause=str(error))
            return False
        return any(_ends(message, name) for message in own)

    async def _ended(self, channel: str, ts: str, name: str) -> bool:
        try:
            found = await heard(
                self._client.conversations_replies(channel=channel, ts=ts, oldest=ts, latest=ts, inclusive=True)
            )
        except (Refused, Unreachable) as error:
            log.info("a message cannot be read", cause=str(error))
            return False
        return any(message.get("ts") == ts and _ends(message, name) for message in found.get("messages") or [])

    async def _greet(self, said: Said, place: Place) -> None:
        examples = await self._desk.examples(said.conversation)
        await self._say(place, "Ask me something.", blocks=greeting(self._me.user, examples))

    async def _say(self, place: Place, text: str, blocks: list[dict[str, Any]] | None = None) -> None:
        await heard(
            self._client.chat_postMessage(
                channel=place.channel, thread_ts=place.thread_ts, text=text, blocks=blocks, unfurl_links=False
            )
        )


def question_id(name: str) -> str:
    """The id of the question in a message, the same in every process."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _ends(message: Mapping[str, Any], name: str) -> bool:
    return any(block.get("block_id") == whole(question_id(name)) for block in message.get("blocks") or [])
