"""What people say where the bot is: which of it is a question, and what follows when it is corrected or taken back."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from functools import partial
from time import time
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.answer_session import AnswerSessions, PendingQuestion, RunningAnswer, current_task
from adapters.slack.blocks import failure, greeting, whole
from adapters.slack.events import BotIdentity, MessageDeleted, MessageEdited, MessageReceived
from adapters.slack.growing_message import close_stream, delete
from adapters.slack.mentions import MentionResolver
from adapters.slack.question_builder import QuestionBuilder, question_id
from adapters.slack.reply_target import ReplyTarget, place_of
from adapters.slack.web_api import SlackRefusedError, SlackUnreachableError, call_api
from core.chat.event_dispatcher import EventDispatcher
from core.chat.services import ChatServices
from core.domain import Claim, Event
from core.errors import to_footnoted_error

log = structlog.get_logger()

FORGET = frozenset({"/forget", "forget", "forget this", "forget this conversation"})
HELP = frozenset({"help", "/help", "?"})
"""In a direct message nobody can mention the bot and say nothing more."""

FORGOTTEN = "I have forgotten this conversation."

NOTED_WITHIN = 5.0
"""Seconds after which it is known of a message which question it answers."""

TO_OTHERS = ("<@", "<!subteam^", "<!here", "<!channel", "<!everyone")
"""What a message begins with that is for somebody else."""


class ConversationHandler:
    """Turns what is said into questions, each of them once."""

    def __init__(
        self,
        client: AsyncWebClient,
        me: BotIdentity,
        desk: ChatServices,
        handling: EventDispatcher,
        names: MentionResolver,
        composing: QuestionBuilder,
        answering: AnswerSessions,
    ) -> None:
        self._client = client
        self._me = me
        self._desk = desk
        self._handling = handling
        self._names = names
        self._composing = composing
        self._answering = answering
        self._correcting: dict[str, asyncio.Task[None]] = {}

    async def hear(self, meaning: MessageReceived | MessageEdited | MessageDeleted, event_id: str) -> None:
        """Takes an event, if it is the bot's business; what it leads to happens afterwards."""
        match meaning:
            case MessageReceived() if await self._is_question(meaning):
                await self._handling.receive(Event((meaning.name, event_id), {"said": asdict(meaning)}))
            case MessageEdited():
                await self._handling.receive(Event((meaning.name, event_id), {"corrected": asdict(meaning.said)}))
            case MessageDeleted():
                await self._handling.receive(Event((event_id,), {"taken_back": asdict(meaning)}))

    async def handle(self, body: Mapping[str, Any], taken: Claim) -> None:
        """Does what an event asks for, which this process has taken."""
        if said := body.get("said"):
            await self._watched(MessageReceived(**said), partial(self._answer, taken=taken))
        elif corrected := body.get("corrected"):
            await self._watched(MessageReceived(**corrected), self._correct)
        elif taken_back := body.get("taken_back"):
            await self._withdraw(MessageDeleted(**taken_back))

    async def _watched(self, said: MessageReceived, act: Callable[[MessageReceived], Awaitable[None]]) -> None:
        """Whatever goes wrong, whoever said something is told so."""
        try:
            await act(said)
        except Exception as error:  # a door: behind it stands a person who waits
            known = to_footnoted_error(error)
            log.error("a message failed", error_id=known.id, name=said.name, cause=str(known), exc_info=error)
            blocks = failure(known, question_id(said.name), said.ts)
            await self._say(place_of(said, self._me.user), known.user_message, blocks)

    async def stop(self, channel: str, thread_ts: str) -> None:
        """Somebody has pressed the stop button of a thread."""
        for name, running in list(self._answering.running.items()):
            if (running.place.channel, running.place.thread_ts) == (channel, thread_ts):
                await self._halt(name)
                await running.reply.stop()

    async def _halt(self, name: str) -> RunningAnswer | None:
        """Stops what is being done for a message: as it was said, as it was corrected, or tried again."""
        running = self._answering.running.get(name)
        await self._handling.stop(name)
        if running:
            await self._handling.stop_task(running.task)
        return running

    def _asking(self, text: str, said: MessageReceived) -> PendingQuestion:
        return PendingQuestion(question_id(said.name), partial(self._composing.compose, text, said))

    async def _is_question(self, said: MessageReceived) -> bool:
        """A mention, a direct message, what follows in a thread that the bot takes part in, and anything in a channel
        where it answers every question. What is said to somebody else is not for the bot."""
        if said.direct or self._me.is_mentioned(said.text):
            return True
        if said.text.lstrip().startswith(TO_OTHERS):
            return False
        if said.thread_ts:
            return await self._desk.answered_in(said.conversation)
        return bool(said.text.strip()) and self._desk.channels.answers_every_question(said.conversation)

    async def _answer(self, said: MessageReceived, taken: Claim) -> None:
        place = place_of(said, self._me.user)
        if taken is Claim.TAKEOVER and await self._was_answered(place, said):
            return
        text = await self._names.readable(said.text)
        if not text or text.lower() in HELP:
            await self._greet(said, place)
        elif text.lower() in FORGET:
            await self._desk.forget(said.conversation)
            await self._say(place, FORGOTTEN)
        else:
            await self._answering.answer(said.name, self._asking(text, said), place)

    async def _correct(self, said: MessageReceived) -> None:
        """Of several corrections of a question the last one is answered."""
        before = self._correcting.get(said.name)
        self._correcting[said.name] = current = current_task()
        try:
            stopped = before is not None and await self._handling.stop_task(before)
            if stopped or await self._is_news(said):
                await self._answer_again(said)
        finally:
            if self._correcting.get(said.name) is current:
                del self._correcting[said.name]

    async def _is_news(self, said: MessageReceived) -> bool:
        """Whether there is something to answer again. What only now is a question is answered like any other; what was
        no question before, a mention alone, say, may have become one."""
        known = await self._desk.remembered(question_id(said.name), said.conversation)
        if known:
            return known.question.text != await self._names.readable(said.text)
        if not await self._is_question(said):
            return False
        return not await self._handling.receive(Event((said.name,), {"said": asdict(said)}))

    async def _answer_again(self, said: MessageReceived) -> None:
        """A corrected question is answered in the messages of its first answer."""
        text = await self._names.readable(said.text)
        if not text:
            return
        await self._halt(said.name)
        await self._desk.once.reassign(said.name)
        old = await self._desk.replies.messages_of(said.name)
        for ts in old:
            await close_stream(self._client, said.channel, ts)
        await self._desk.take_back(question_id(said.name))
        place = place_of(said, self._me.user)
        await self._answering.answer(said.name, self._asking(text, said), place, old)

    async def _withdraw(self, gone: MessageDeleted) -> None:
        """The question was deleted: an answer that is not whole yet goes with it."""
        running = await self._halt(gone.name)
        await self._desk.once.reassign(gone.name)
        if running and not running.reply.over:
            await running.reply.remove()
            return
        messages = await self._desk.replies.messages_of(gone.name)
        for ts in messages:
            if not await self._ended(gone.channel, ts, gone.name):
                await delete(self._client, gone.channel, ts)

    async def _was_answered(self, place: ReplyTarget, said: MessageReceived) -> bool:
        """Whether the process that is gone had written the answer to its end; what it had only begun is deleted."""
        try:
            own = await place.own_since_question(self._client)
        except (SlackRefusedError, SlackUnreachableError) as error:
            log.warning("the thread cannot be read", cause=str(error))
            own = []
        if any(_ends(message, said.name) for message in own):
            return True
        begun = [message["ts"] for message in own if _is_abandoned(message)]
        for ts in {*await self._desk.replies.messages_of(said.name), *await self._desk.replies.unclaimed(begun)}:
            await delete(self._client, said.channel, ts)
        return False

    async def _ended(self, channel: str, ts: str, name: str) -> bool:
        try:
            found = await call_api(
                self._client.conversations_replies(channel=channel, ts=ts, oldest=ts, latest=ts, inclusive=True)
            )
        except (SlackRefusedError, SlackUnreachableError) as error:
            log.info("a message cannot be read", cause=str(error))
            return False
        return any(message.get("ts") == ts and _ends(message, name) for message in found.get("messages") or [])

    async def _greet(self, said: MessageReceived, place: ReplyTarget) -> None:
        examples = await self._desk.examples(said.conversation)
        await self._say(place, "Ask me something.", blocks=greeting(self._me.user, examples))

    async def _say(self, place: ReplyTarget, text: str, blocks: list[dict[str, Any]] | None = None) -> None:
        await call_api(
            self._client.chat_postMessage(
                channel=place.channel, thread_ts=place.thread_ts, text=text, blocks=blocks, unfurl_links=False
            )
        )


def _ends(message: Mapping[str, Any], name: str) -> bool:
    return any(block.get("block_id") == whole(question_id(name)) for block in message.get("blocks") or [])


def _is_abandoned(message: Mapping[str, Any]) -> bool:
    """Whether a message may still grow, and is so old that whoever writes it must have noted that."""
    return message.get("streaming_state") == "in_progress" and time() - float(message["ts"]) > NOTED_WITHIN
