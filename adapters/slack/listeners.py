"""What the app listens to, in plain sight, and what is done at once with it: it is taken, and handled afterwards."""

import asyncio
import re
from collections.abc import Awaitable, Mapping
from dataclasses import asdict
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.answer_session import AnswerSessions
from adapters.slack.blocks import AGAIN, CANCEL, EXAMPLE, FEEDBACK, REASON, SHARE, WHY
from adapters.slack.buttons import Buttons, Click, read_click
from adapters.slack.commands import Commands
from adapters.slack.conversation import ConversationHandler
from adapters.slack.ephemeral_reply import SEARCHING
from adapters.slack.events import BotIdentity, read_event
from adapters.slack.mentions import MentionResolver
from adapters.slack.question_builder import QuestionBuilder
from adapters.slack.reindex_command import ReindexCommand
from adapters.slack.suggested_prompts import suggest
from adapters.slack.timeouts import USUAL, Timeouts
from core.chat.event_dispatcher import EventDispatcher
from core.chat.services import ChatServices
from core.domain import Claim, Event
from core.telemetry import timed

TAKEN_WITHIN = 1.5
"""Seconds after which an event is acknowledged although it has not been taken yet: Slack gives three."""

COMMANDS = ("/ask", "/forget", "/reindex")
ACTIONS = (FEEDBACK, WHY, AGAIN, SHARE, REASON, EXAMPLE, CANCEL)

_KEPT = ("command", "text", "user_id", "team_id", "channel_id", "response_url", "trigger_id")
"""What is needed of a command; the rest, a token among it, is not written down."""


class Listeners:
    """Takes what Slack delivers; `handling` does the rest."""

    def __init__(
        self,
        client: AsyncWebClient,
        me: BotIdentity,
        desk: ChatServices,
        admins: frozenset[str],
        times: Timeouts = USUAL,
    ) -> None:
        self._me = me
        self._client = client
        self._desk = desk
        names = MentionResolver(client, me.user)
        answering = AnswerSessions(client, desk, times)
        self.handling = EventDispatcher(desk.once, self._handle)
        self._commands = Commands(client, desk, names)
        self._admin = ReindexCommand(client, desk, names, self._commands, admins)
        composing = QuestionBuilder(client, me, names)
        self._buttons = Buttons(client, desk, names, composing, answering, self._commands, me.user)
        self._conversing = ConversationHandler(client, me, desk, self.handling, names, composing, answering)
        self._hearing: set[asyncio.Future[None]] = set()

    def register(self, app: AsyncApp) -> None:
        """Everything that the app listens to."""
        app.event("app_mention")(self.on_message)
        app.event("message")(self.on_message)
        app.event("app_home_opened")(self.on_opened)
        app.event("assistant_thread_started")(self.on_opened)
        app.event("agent_session_stopped")(self.on_stopped)
        app.event("app_context_changed")(self.on_nothing)
        app.event("assistant_thread_context_changed")(self.on_nothing)
        for command in COMMANDS:
            app.command(command)(self.on_command)
        for action in ACTIONS:
            app.action(re.compile(rf"{action}(:\d+)?"))(self.on_click)
        app.view(REASON)(self.on_reason)
        # Last, for whatever else the app is told: Slack repeats what is not acknowledged.
        app.event(re.compile(""))(self.on_nothing)

    async def on_message(self, body: Mapping[str, Any]) -> None:
        """A mention, or a message where the bot can read."""
        meaning = read_event(body, self._me)
        if meaning is not None:
            await self._soon(self._conversing.hear(meaning, body["event_id"]))

    async def on_opened(self, body: Mapping[str, Any]) -> None:
        """Somebody has opened the conversation with the bot; in the older view each conversation is a thread."""
        event = body["event"]
        thread = event.get("assistant_thread") or {}
        if thread or event.get("tab") == "messages":
            opened = {
                "team": body["team_id"],
                "channel": thread.get("channel_id") or event.get("channel", ""),
                "thread_ts": thread.get("thread_ts", ""),
            }
            await self._soon(self._take("opened", body["event_id"], opened))

    async def on_stopped(self, body: Mapping[str, Any]) -> None:
        """Somebody has pressed the stop button."""
        event = body["event"]
        await self._soon(self._conversing.stop(event["channel"], event.get("thread_ts", "")))

    async def on_nothing(self) -> None:
        """What is none of the bot's business."""

    async def on_command(self, ack: AsyncAck, command: Mapping[str, Any]) -> None:
        """A slash command; that it was heard is seen at once."""
        await ack(text=SEARCHING) if command["command"] == "/ask" else await ack()
        await self._soon(self._take("command", command["trigger_id"], {name: command.get(name) for name in _KEPT}))

    async def on_click(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        """Somebody has pressed a button."""
        await ack()
        await self._soon(self._take("click", body["trigger_id"], asdict(read_click(body))))

    async def on_reason(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        """Somebody has written what was wrong with an answer."""
        await ack()
        view = {name: body["view"][name] for name in ("private_metadata", "state")}
        reason = {"view": view, "user": body["user"]["id"]}
        await self._soon(self._take("reason", f"{body['view']['id']}:{body['user']['id']}", reason))

    async def _take(self, kind: str, name: str, body: Mapping[str, Any]) -> None:
        await self.handling.receive(Event((f"{kind}:{name}",), {kind: body}))

    async def _soon(self, hearing: Awaitable[None]) -> None:
        """Waits for a moment until something is taken; when Redis takes longer, that goes on behind the answer."""
        task = asyncio.ensure_future(hearing)
        self._hearing.add(task)
        task.add_done_callback(self._hearing.discard)
        with timed("acknowledge"):
            done, _ = await asyncio.wait([task], timeout=TAKEN_WITHIN)
        if done:
            await task

    async def _handle(self, event: Event, taken: Claim) -> None:
        match dict(event.body):
            case {"command": command}:
                await self._command(command)
            case {"click": click}:
                await self._click(Click(**click), taken)
            case {"reason": reason}:
                await self._buttons.explain(reason["view"], reason["user"])
            case {"opened": opened}:
                await suggest(self._client, self._desk, **opened)
            case body:
                await self._conversing.handle(body, taken)

    async def _command(self, command: Mapping[str, Any]) -> None:
        if command["command"] == "/reindex":
            await self._admin.command(command)
        else:
            await self._commands.run(command)

    async def _click(self, click: Click, taken: Claim) -> None:
        if click.action == CANCEL:
            await self._admin.cancel(click)
        else:
            await self._buttons.press(click, taken)
