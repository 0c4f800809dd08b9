"""Doing what people want with commands, buttons and forms, once a process has taken that."""

from dataclasses import replace
from functools import partial

import structlog

from adapters.discord.answer_session import AnswerSessions, PendingQuestion
from adapters.discord.buttons import Buttons
from adapters.discord.conversation import question_id, resume_answers
from adapters.discord.interactions import UserInteraction
from adapters.discord.mentions import MentionResolver
from adapters.discord.message_sender import MessageSender
from adapters.discord.messages import CANCEL, FORGOTTEN, Json, failure, greeting, holdings, message
from adapters.discord.reindex_command import ReindexCommand
from adapters.discord.rest_api import DiscordRefusedError, DiscordUnreachableError, RestApi
from core.chat.services import ChatServices
from core.domain import Claim, Question
from core.errors import FootnotedError, to_footnoted_error

log = structlog.get_logger()


class InteractionHandler:
    """Each deed leads to something that people see. `me` is the bot's own id."""

    def __init__(
        self, calls: RestApi, me: str, desk: ChatServices, names: MentionResolver, answering: AnswerSessions
    ) -> None:
        self._calls = calls
        self._me = me
        self._desk = desk
        self._names = names
        self._answering = answering
        self._buttons = Buttons(calls, desk, answering)
        self._admin = ReindexCommand(calls, desk)

    async def do(self, deed: UserInteraction, taken: Claim) -> None:
        """Whatever it is. What goes wrong is told to whoever wanted it."""
        match deed.act:
            case "ask":
                await self._ask(deed, taken)
            case "reindex":
                await self._admin.reindex(deed)
            case "forget" | "sources" | "help":
                await self._tell(deed)
            case act if act == CANCEL:
                await self._buttons.tell(deed, message(await self._cancelled(deed)))
            case _:
                await self._press(deed)

    async def _ask(self, deed: UserInteraction, taken: Claim) -> None:
        asking, old = PendingQuestion(question_id(deed.name), partial(self._compose, deed)), tuple[str, ...]()
        if taken is Claim.TAKEOVER:
            asking, old = await resume_answers(self._desk, asking, deed.place)
        await self._answering.answer(deed.name, asking, deed.place, old)

    async def _compose(self, deed: UserInteraction) -> Question:
        text = await self._names.readable(deed.subject, deed.place.guild)
        return Question(text or deed.subject, deed.place.conversation, deed.person, id=question_id(deed.name))

    async def _tell(self, deed: UserInteraction) -> None:
        try:
            content = await self._content(deed)
        except Exception as error:  # a door: behind it stands a person who waits
            content = message(failure(_noted(error, deed)))
        try:
            await MessageSender(self._calls, deed.place).create(content)
        except (DiscordRefusedError, DiscordUnreachableError) as error:
            log.error("a command could not be answered", act=deed.act, cause=str(error))

    async def _content(self, deed: UserInteraction) -> Json:
        here = replace(deed.place, private=False).conversation
        if deed.act == "forget":
            await self._desk.forget(here)
            await self._desk.forget(deed.place.conversation)  # what was asked privately, by whoever forgets
            return message(FORGOTTEN)
        if deed.act == "sources":
            return message(holdings(await self._desk.library.posts_by_source(self._desk.channels.scope(here).sources)))
        return greeting(self._me, await self._desk.examples(here))

    async def _cancelled(self, deed: UserInteraction) -> str:
        try:
            return await self._admin.cancel(deed)
        except Exception as error:  # a door: behind it stands a person who waits
            return failure(_noted(error, deed))

    async def _press(self, deed: UserInteraction) -> None:
        try:
            await self._buttons.press(deed)
        except Exception as error:  # a door: behind it stands a person who waits
            await self._buttons.tell(deed, message(failure(_noted(error, deed))))


def _noted(error: Exception, deed: UserInteraction) -> FootnotedError:
    known = to_footnoted_error(error)
    log.error("a command failed", error_id=known.id, act=deed.act, cause=str(known), exc_info=error)
    return known
