"""/reindex: an admin has the sources read again, and one message shows how it goes."""

from contextlib import aclosing
from time import monotonic
from typing import Any, assert_never

import structlog

from adapters.discord.escaping import neutralize_mentions
from adapters.discord.interactions import UserInteraction
from adapters.discord.message_sender import MessageSender
from adapters.discord.messages import LONGEST, cancel_button, failure, message
from adapters.discord.rest_api import DiscordRefusedError, DiscordUnreachableError, RestApi
from core.chat.run_texts import plan_text, progress_text, report_text, started_text
from core.chat.services import ChatServices
from core.errors import to_footnoted_error
from core.indexing.options import ReindexOptions
from core.indexing.run_events import RunEnded, RunPlanned, RunProgressed, RunStarted

log = structlog.get_logger()

SHOWN_EVERY = 2.0
"""Seconds; others in the channel need its edits, too."""


class RunNotice:
    """The one message of a run. When the command's token is spent, it goes on as the bot's own message, and where the
    bot may not write, in a direct message."""

    def __init__(self, outlet: MessageSender) -> None:
        self._outlet = outlet
        self._name = ""
        self._next = 0.0
        self._head = ""

    async def begin(self, head: str) -> None:
        """Whose run it is; that stays at the top."""
        self._head = head
        await self._write(head, cancel_button())

    async def show(self, text: str) -> None:
        """How it stands, every two seconds at most."""
        if monotonic() >= self._next:
            await self._write(f"{self._head}\n\n{text}", cancel_button())

    async def end(self, text: str) -> None:
        """What came of it."""
        await self._write(f"{self._head}\n\n{text}" if self._head else text)

    async def _write(self, text: str, *rows: Any) -> None:
        text = neutralize_mentions(text)
        content = message(text if len(text) <= LONGEST else text[: LONGEST - 2].rstrip() + "…", *rows)
        try:
            await self._put(content)
        except (DiscordRefusedError, DiscordUnreachableError) as error:
            # The run goes on without an audience; the log and `footnoted reindex --history` tell of it.
            log.warning("how a run goes could not be shown", cause=str(error))
        self._next = monotonic() + SHOWN_EVERY

    async def _put(self, content: Any) -> None:
        if self._name:
            try:
                await self._outlet.edit(self._name, content)
                return
            except DiscordRefusedError as error:
                log.info("the message of a run cannot be edited any more", cause=str(error))
            if not self._outlet.place.writable:
                await self._outlet.switch_to_dm()
        self._name = await self._outlet.create(content)


class ReindexCommand:
    """Those who may manage the server, and the admins of the settings; who may do what is decided in core."""

    def __init__(self, calls: RestApi, desk: ChatServices) -> None:
        self._calls = calls
        self._desk = desk

    async def reindex(self, deed: UserInteraction) -> None:
        """A run, a dry run, or going back; a run that is going on already is shown."""
        notice = RunNotice(MessageSender(self._calls, deed.place))
        try:
            if deed.options.get("rollback"):
                await notice.end(report_text(await self._desk.reindexer.rollback(deed.person)))
            else:
                dry_run, force = bool(deed.options.get("dry_run")), bool(deed.options.get("force"))
                await self._run(ReindexOptions(deed.person, deed.subject, dry_run, force), notice)
        except Exception as error:  # a door: behind it stands an admin who waits
            known = to_footnoted_error(error)
            log.warning("an admin's command failed", error_id=known.id, cause=str(known))
            await notice.end(failure(known))

    async def cancel(self, deed: UserInteraction) -> str:
        """Stops the run; what to tell whoever wanted that. Raises AdminRequiredError."""
        stopped = await self._desk.reindexer.cancel(deed.person)
        return "It is being stopped." if stopped else "Nothing is being read."

    async def _run(self, order: ReindexOptions, notice: RunNotice) -> None:
        plan = None
        async with aclosing(self._desk.reindexer.reindex(order)) as events:
            async for event in events:
                match event:
                    case RunStarted():
                        await notice.begin(started_text(event))
                    case RunPlanned():
                        plan = event.plan
                        await notice.show(plan_text(event.plan))
                    case RunProgressed():
                        await notice.show(progress_text(event.progress))
                    case RunEnded():
                        await notice.end(report_text(event.report, plan))
                    case _:
                        assert_never(event)
