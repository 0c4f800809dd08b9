"""Doing what people want with commands, buttons and forms, once a process has taken that."""

from dataclasses import replace
from functools import partial

import structlog

from adapters.discord.admin import Admin
from adapters.discord.answering import Answering, Asking
from adapters.discord.buttons import Buttons
from adapters.discord.calling import Calls, Refused, Unreachable
from adapters.discord.conversing import go_on, question_id
from adapters.discord.deeds import Deed
from adapters.discord.messages import CANCEL, FORGOTTEN, Json, failure, greeting, holdings, message
from adapters.discord.names import Names
from adapters.discord.outlet import Outlet
from core.chatting.desk import Desk
from core.delivery.delivering import as_known
from core.errors import FootnotedError
from core.vocabulary import Question, Taken

log = structlog.get_logger()


class Doing:
    """Each deed leads to something that people see. `me` is the bot's own id."""

    def __init__(self, calls: Calls, me: str, desk: Desk, names: Names, answering: Answering) -> None:
        self._calls = calls
        self._me = me
        self._desk = desk
        self._names = names
        self._answering = answering
        self._buttons = Buttons(calls, desk, answering)
        self._admin = Admin(calls, desk)

    async def do(self, deed: Deed, taken: Taken) -> None:
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

    async def _ask(self, deed: Deed, taken: Taken) -> None:
        asking, old = Asking(question_id(deed.name), partial(self._compose, deed)), tuple[str, ...]()
        if taken is Taken.OVER:
            asking, old = await go_on(self._desk, asking, deed.place)
        await self._answering.answer(deed.name, asking, deed.place, old)

    async def _compose(self, deed: Deed) -> Question:
        text = await self._names.readable(deed.subject, deed.place.guild)
        return Question(text or deed.subject, deed.place.conversation, deed.person, id=question_id(deed.name))

    async def _tell(self, deed: Deed) -> None:
        try:
            content = await self._content(deed)
        except Exception as error:  # a door: behind it stands a person who waits
            content = message(failure(_noted(error, deed)))
        try:
            await Outlet(self._calls, deed.place).create(content)
        except (Refused, Unreachable) as error:
            log.error("a command could not be answered", act=deed.act, cause=str(error))

    async def _content(self, deed: Deed) -> Json:
        here = replace(deed.place, private=False).conversation
        if deed.act == "forget":
            await self._desk.forget(here)
            await self._desk.forget(deed.place.conversation)  # what was asked privately, by whoever forgets
            return message(FORGOTTEN)
        if deed.act == "sources":
            return message(holdings(await self._desk.library.posts_by_source(self._desk.channels.scope(here).sources)))
        return greeting(self._me, await self._desk.examples(here))

    async def _cancelled(self, deed: Deed) -> str:
        try:
            return await self._admin.cancel(deed)
        except Exception as error:  # a door: behind it stands a person who waits
            return failure(_noted(error, deed))

    async def _press(self, deed: Deed) -> None:
        try:
            await self._buttons.press(deed)
        except Exception as error:  # a door: behind it stands a person who waits
            await self._buttons.tell(deed, message(failure(_noted(error, deed))))


def _noted(error: Exception, deed: Deed) -> FootnotedError:
    known = as_known(error)
    log.error("a command failed", error_id=known.id, act=deed.act, cause=str(known), exc_info=error)
    return known
