"""The one message that shows a reindex run: who started it, how far it is, and how it ended."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from time import monotonic
from typing import assert_never

import structlog

from core.chat.platform_errors import AnswerStoppedError, PlatformError
from core.chat.run_texts import plan_text, progress_text, report_text, started_text
from core.chat.services import ChatServices
from core.chat.texts import NO_RUN, RUN_CANCELLING, failure_text
from core.domain import Person
from core.errors import FootnotedError, UnknownSourceError, to_footnoted_error
from core.i18n import gettext
from core.indexing.run_events import ReindexEvent, RunEnded, RunPlanned, RunProgressed, RunStarted

log = structlog.get_logger()

UPDATE_INTERVAL = 2.0
"""Seconds between two updates: Slack takes 50 a minute (tier 3), and edits share Discord's limit per channel."""

Write = Callable[[str, bool], Awaitable[None]]
"""Create or edit the message with this Markdown text; the flag asks for a button that cancels the run."""

Tell = Callable[[str], Awaitable[None]]


class RunNotice:
    """Runs `/reindex` for a user and shows it in one message, which names none but the `sources`, None for all."""

    def __init__(
        self,
        write: Write,
        failure: Callable[[FootnotedError], str] = failure_text,
        sources: frozenset[str] | None = None,
    ) -> None:
        self._sources = sources
        self._write = write
        self._failure = failure
        self._head = ""
        self._next_update = 0.0

    async def reindex(
        self,
        services: ChatServices,
        person: Person,
        source: str = "",
        *,
        dry_run: bool = False,
        force: bool = False,
        tell: Tell | None = None,
    ) -> None:
        """Start a run or follow the one in progress. `tell` gets an error that comes before there is a message."""
        try:
            await self._follow(services.reindex(person, source, dry_run=dry_run, force=force))
        except Exception as error:  # Boundary: report any error to the admin.
            await self._fail(error, tell)

    async def roll_back(self, services: ChatServices, person: Person, tell: Tell | None = None) -> None:
        """Return to the previous posts and show what that changes."""
        try:
            await self._end(report_text(await services.rollback(person), sources=self._sources))
        except Exception as error:  # Boundary: report any error to the admin.
            await self._fail(error, tell)

    async def _follow(self, events: AsyncGenerator[ReindexEvent, None]) -> None:
        plan = None
        async with aclosing(events):
            async for event in events:
                match event:
                    case RunStarted():
                        self._head = started_text(event, self._sources)
                        await self._show(self._head, cancellable=True)
                    case RunPlanned():
                        plan = event.plan
                        await self._update(plan_text(plan))
                    case RunProgressed():
                        await self._update(progress_text(event.progress))
                    case RunEnded():
                        await self._end(report_text(event.report, plan, self._sources))
                    case _:
                        assert_never(event)

    async def _update(self, text: str) -> None:
        if monotonic() >= self._next_update:
            await self._show(f"{self._head}\n\n{text}", cancellable=True)

    async def _end(self, text: str) -> None:
        await self._show(f"{self._head}\n\n{text}" if self._head else text, cancellable=False)

    async def _fail(self, error: Exception, tell: Tell | None) -> None:
        known = report_failure(error)
        if isinstance(known, UnknownSourceError):
            known = known.within(self._sources)
        if tell is None or self._head:
            await self._end(self._failure(known))
        else:
            await tell(self._failure(known))

    async def _show(self, text: str, *, cancellable: bool) -> None:
        try:
            await self._write(text, cancellable)
        except (PlatformError, AnswerStoppedError) as error:
            # The run goes on; its progress is in the log and in `footnoted reindex --history`.
            log.warning("run notice failed", cause=str(error))
        self._next_update = monotonic() + UPDATE_INTERVAL


async def cancel_run(services: ChatServices, person: Person) -> str:
    """Request cancellation of the run and return the reply to the user. Raises AdminRequiredError."""
    return gettext(RUN_CANCELLING if await services.cancel_run(person) else NO_RUN)


def report_failure(error: Exception) -> FootnotedError:
    """Log a failed admin command; most are refusals, so that this is a warning."""
    known = to_footnoted_error(error)
    log.warning("admin command failed", error_id=known.id, cause=str(known), exc_info=error)
    return known
