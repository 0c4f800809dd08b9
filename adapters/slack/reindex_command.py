"""/reindex: an admin has the sources read again, and one message shows how it goes."""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from time import monotonic
from typing import Any, assert_never

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.blocks import CANCEL, Block, button, markdown, section
from adapters.slack.buttons import Click
from adapters.slack.commands import Commands
from adapters.slack.ephemeral_reply import respond
from adapters.slack.escaping import escape, fallback, neutralize_mentions
from adapters.slack.growing_message import AnswerStoppedError, update
from adapters.slack.mentions import MentionResolver
from adapters.slack.web_api import SlackRefusedError, SlackUnreachableError, call_api
from core.chat.run_texts import plan_text, progress_text, report_text, started_text
from core.chat.services import ChatServices
from core.domain import Person
from core.errors import FootnotedError, to_footnoted_error
from core.indexing.options import ReindexOptions
from core.indexing.run_events import RunEnded, RunPlanned, RunProgressed, RunStarted

log = structlog.get_logger()

SHOWN_EVERY = 2.0
"""Seconds; chat.update is of tier 3, which is 50 a minute."""

DRY_RUN = frozenset({"dry_run", "dry-run", "--dry-run"})
FORCE = frozenset({"force", "--force"})
ROLLBACK = frozenset({"rollback", "--rollback", "roll back"})
STOP = frozenset({"cancel", "--cancel", "stop"})


class RunNotice:
    """The one message of a run: in the channel, or in a direct message where the bot may not write."""

    def __init__(self, client: AsyncWebClient, channel: str, user: str) -> None:
        self._client = client
        self._channel = channel
        self._user = user
        self._ts = ""
        self._next = 0.0
        self._head = ""

    @property
    def begun(self) -> bool:
        return bool(self._head)

    async def begin(self, head: str) -> None:
        """Whose run it is; that stays at the top."""
        self._head = head
        await self._write(head, cancellable=True)

    async def show(self, text: str) -> None:
        """How it stands, every two seconds at most."""
        if monotonic() >= self._next:
            await self._write(f"{self._head}\n\n{text}", cancellable=True)

    async def end(self, text: str) -> None:
        """What came of it."""
        await self._write(f"{self._head}\n\n{text}" if self._head else text, cancellable=False)

    async def _write(self, text: str, cancellable: bool) -> None:
        text = neutralize_mentions(text)
        below = [_cancel_button()] if cancellable else []
        try:
            if self._ts:
                await update(self._client, self._channel, self._ts, text, below)
            else:
                await self._post(text, below)
        except (SlackRefusedError, SlackUnreachableError, AnswerStoppedError) as error:
            # The run goes on without an audience; the log and `footnoted reindex --history` tell of it.
            log.warning("how a run goes could not be shown", cause=str(error))
        self._next = monotonic() + SHOWN_EVERY

    async def _post(self, text: str, below: list[Block]) -> None:
        content: dict[str, Any] = {"text": fallback(text), "blocks": [markdown(text), *below]}
        try:
            posted = await call_api(self._client.chat_postMessage(channel=self._channel, unfurl_links=False, **content))
        except SlackRefusedError:
            opened = await call_api(self._client.conversations_open(users=self._user))
            self._channel = opened["channel"]["id"]
            posted = await call_api(self._client.chat_postMessage(channel=self._channel, unfurl_links=False, **content))
        self._ts = str(posted["ts"])


class ReindexCommand:
    """Admins and owners of the workspace, and the `admins` of the settings; who may do it is decided in core."""

    def __init__(
        self,
        client: AsyncWebClient,
        desk: ChatServices,
        names: MentionResolver,
        commands: Commands,
        admins: frozenset[str],
    ) -> None:
        self._client = client
        self._desk = desk
        self._names = names
        self._commands = commands
        self._admins = admins

    async def command(self, command: Mapping[str, Any]) -> None:
        """/reindex, /reindex source, dry_run, force, rollback, cancel."""
        text = (command.get("text") or "").strip()
        try:
            person = await self._person(command["user_id"])
            if text.lower() in STOP:
                said = "It is being stopped." if await self._desk.reindexer.cancel(person) else "Nothing is being read."
                await self._alone(command, said)
                return
            notice = RunNotice(self._client, command["channel_id"], command["user_id"])
            if text.lower() in ROLLBACK:
                await notice.end(report_text(await self._desk.reindexer.rollback(person)))
                return
            await self._run(_order(person, text), notice)
        except Exception as error:  # a door: behind it stands an admin who waits
            await self._alone(command, _told(error))

    async def cancel(self, click: Click) -> None:
        """The button under a run."""
        try:
            await self._desk.reindexer.cancel(await self._person(click.user))
        except Exception as error:  # a door: behind it stands an admin who waits
            told = self._client.chat_postEphemeral(channel=click.channel, user=click.user, text=_told(error))
            await call_api(told)

    async def _run(self, order: ReindexOptions, notice: RunNotice) -> None:
        plan = None
        try:
            async with aclosing(self._desk.reindexer.reindex(order)) as events:
                async for event in events:
                    match event:
                        case RunStarted():
                            await notice.begin(started_text(event))
                        case RunPlanned():
                            plan = event.plan
                            await notice.show(plan_text(plan))
                        case RunProgressed():
                            await notice.show(progress_text(event.progress))
                        case RunEnded():
                            await notice.end(report_text(event.report, plan))
                        case _:
                            assert_never(event)
        except Exception as error:  # a door: the message must not seem to go on
            if not notice.begun:
                raise
            await notice.end(_told(error))

    async def _person(self, user: str) -> Person:
        """Somebody as they are now; the settings may name further admins."""
        person = await self._names.admin(user)
        return replace(person, admin=person.admin or user in self._admins)

    async def _alone(self, command: Mapping[str, Any], text: str) -> None:
        await respond(self._commands.webhook(command["response_url"]), [section(escape(text))], text, replace=False)


def _order(person: Person, text: str) -> ReindexOptions:
    """What is wanted; the name of a source may hold blanks."""
    words = text.split()
    said = {word.lower() for word in words}
    source = " ".join(word for word in words if word.lower() not in DRY_RUN | FORCE)
    return ReindexOptions(person, source, dry_run=not said.isdisjoint(DRY_RUN), force=not said.isdisjoint(FORCE))


def _told(error: Exception) -> str:
    """The sentence for people, with its id, and a line in the log under the same id."""
    known: FootnotedError = to_footnoted_error(error)
    log.warning("an admin's command failed", error_id=known.id, cause=str(known), exc_info=error)
    return f"{known.user_message} ({known.id})"


def _cancel_button() -> Block:
    return {"type": "actions", "elements": [button("Cancel", CANCEL, "run")]}
