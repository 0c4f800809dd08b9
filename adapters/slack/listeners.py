"""The app's listeners: each claims what Slack delivers, acknowledges it, and leaves the rest to the dispatcher."""

import asyncio
import re
from collections.abc import Awaitable, Mapping
from dataclasses import asdict
from typing import Any

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.answer_writer import AnswerWriter
from adapters.slack.blocks import AGAIN, CANCEL, DETAILS, EXAMPLE, FEEDBACK, REASON, SHARE, WHY
from adapters.slack.buttons import Buttons
from adapters.slack.commands import Commands
from adapters.slack.conversation import ConversationHandler
from adapters.slack.events import Click, parse_click, parse_event
from adapters.slack.identity import BotIdentity
from adapters.slack.mentions import MentionResolver
from adapters.slack.question_builder import QuestionBuilder
from adapters.slack.web_api import DEFAULT_TIMEOUTS, Timeouts, call_api
from core.chat.platform_errors import PlatformError
from core.chat.services import ChatServices
from core.chat.texts import SEARCHING
from core.domain import Conversation
from core.events import Claim, Event
from core.i18n import gettext, translating_into
from core.question_language import language_of, use_language_of
from core.telemetry import timed

log = structlog.get_logger()

ACKNOWLEDGE_WITHIN = 1.5
"""Seconds after which an event is acknowledged although it has not been claimed yet: Slack allows three."""

COMMANDS = ("/ask", "/forget", "/reindex")
ACTIONS = (FEEDBACK, WHY, DETAILS, AGAIN, SHARE, REASON, EXAMPLE, CANCEL)

MAX_UNKNOWN_KINDS = 100
MAX_PROMPTS = 4
MAX_PROMPT_TITLE = 75

_COMMAND_FIELDS = ("command", "text", "user_id", "team_id", "channel_id", "response_url", "trigger_id")
"""What is stored of a command; the rest includes a token."""


class Listeners:
    """Claims what Slack delivers; `dispatcher` handles it."""

    def __init__(
        self,
        client: AsyncWebClient,
        identity: BotIdentity,
        services: ChatServices,
        admins: frozenset[str],
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
    ) -> None:
        self._identity = identity
        self._client = client
        self._services = services
        self.dispatcher = services.dispatcher(self._handle)
        mentions = MentionResolver(client, identity.user, identity.team)
        answers = AnswerWriter(client, services, timeouts)
        questions = QuestionBuilder(client, identity, mentions)
        self._commands = Commands(client, services, mentions, admins)
        self._buttons = Buttons(client, services, mentions, questions, answers, self._commands, identity.user)
        self._conversation = ConversationHandler(
            client, identity, services, self.dispatcher, mentions, questions, answers
        )
        self._unknown: set[str] = set()
        self._claiming: set[asyncio.Future[None]] = set()

    def register(self, app: AsyncApp) -> None:
        app.event("app_mention")(self.on_message)
        app.event("message")(self.on_message)
        app.event("app_home_opened")(self.on_opened)
        app.event("assistant_thread_started")(self.on_opened)
        app.event("agent_session_stopped")(self.on_stopped)
        app.event("app_context_changed")(self.on_ignored)
        app.event("assistant_thread_context_changed")(self.on_ignored)
        for command in COMMANDS:
            app.command(command)(self.on_command)
        for action in ACTIONS:
            app.action(re.compile(rf"{action}(:\d+)?"))(self.on_click)
        app.view(REASON)(self.on_reason)
        # Last, for everything else: Slack repeats events that are not acknowledged, and shows errors for clicks.
        app.event(re.compile(""))(self.on_unknown_event)
        for unknown in (app.action, app.view, app.view_closed, app.shortcut, app.options, app.command):
            unknown(re.compile(""))(self.on_unknown_interaction)

    async def on_message(self, body: Mapping[str, Any]) -> None:
        """Receive a mention, or a message where the bot can read."""
        event = parse_event(body, self._identity)
        if event is not None:
            await self._wait_briefly(self._conversation.receive(event, body["event_id"]))

    async def on_opened(self, body: Mapping[str, Any]) -> None:
        """Handle the opening of a conversation with the bot; in the older view each conversation is a thread."""
        event = body["event"]
        thread = event.get("assistant_thread") or {}
        if thread or event.get("tab") == "messages":
            opened = {
                "team": self._identity.team,
                "channel": thread.get("channel_id") or event.get("channel", ""),
                "thread_ts": thread.get("thread_ts", ""),
            }
            await self._wait_briefly(self._claim("opened", body["event_id"], opened))

    async def on_stopped(self, body: Mapping[str, Any]) -> None:
        event = body["event"]
        await self._wait_briefly(self._conversation.on_stop_pressed(event["channel"], event.get("thread_ts", "")))

    async def on_ignored(self) -> None:
        """Acknowledge an event that does not concern the bot."""

    async def on_unknown_event(self, body: Mapping[str, Any]) -> None:
        """Acknowledge an event of a kind that the bot does not know."""
        self._log_unknown(f"event {body['event'].get('type')}")

    async def on_unknown_interaction(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        """Acknowledge an interaction of a kind that the bot does not know."""
        await ack()
        self._log_unknown(str(body.get("type") or "command"))

    def _log_unknown(self, kind: str) -> None:
        """Log each kind once."""
        if kind not in self._unknown and len(self._unknown) < MAX_UNKNOWN_KINDS:
            self._unknown.add(kind)
            log.info("unknown Slack payload", kind=kind)

    async def on_command(self, ack: AsyncAck, command: Mapping[str, Any]) -> None:
        """Receive a slash command; the acknowledgement shows the user at once that it arrived."""
        if command["command"] == "/ask":
            with translating_into(language_of(command.get("text") or "")):
                await ack(text=gettext(SEARCHING))
        else:
            await ack()
        fields = {name: command.get(name) for name in _COMMAND_FIELDS} | {"team_id": self._identity.team}
        await self._wait_briefly(self._claim("command", command["trigger_id"], fields))

    async def on_click(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await ack()
        await self._wait_briefly(self._claim("click", body["trigger_id"], asdict(parse_click(body, self._identity))))

    async def on_reason(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await ack()
        view = {name: body["view"][name] for name in ("private_metadata", "state")}
        reason = {"view": view, "user": body["user"]["id"]}
        await self._wait_briefly(self._claim("reason", f"{body['view']['id']}:{body['user']['id']}", reason))

    async def _claim(self, kind: str, name: str, body: Mapping[str, Any]) -> None:
        await self.dispatcher.receive(Event((f"{kind}:{name}",), {kind: body}))

    async def _wait_briefly(self, claiming: Awaitable[None]) -> None:
        """Wait until an event is claimed; when Redis takes longer, that goes on after the acknowledgement."""
        task = asyncio.ensure_future(claiming)
        self._claiming.add(task)
        task.add_done_callback(self._claiming.discard)
        with timed("acknowledge"):
            done, _ = await asyncio.wait([task], timeout=ACKNOWLEDGE_WITHIN)
        if done:
            await task

    async def _handle(self, event: Event, claim: Claim) -> None:
        match dict(event.body):
            case {"command": command}:
                await self._commands.run(command)
            case {"click": click}:
                await self._buttons.press(Click(**click), claim)
            case {"reason": reason}:
                await self._buttons.save_reason(reason["view"], reason["user"])
            case {"opened": opened}:
                await self._suggest_prompts(**opened)
            case body:
                await self._conversation.handle(body, claim)

    async def _suggest_prompts(self, team: str, channel: str, thread_ts: str = "") -> None:
        examples = await self._services.examples(Conversation("slack", channel, team), MAX_PROMPTS)
        if not examples:
            return
        use_language_of(" ".join(examples))
        prompts = [{"title": example[:MAX_PROMPT_TITLE], "message": example} for example in examples]
        try:
            await call_api(
                self._client.assistant_threads_setSuggestedPrompts(
                    channel_id=channel,
                    thread_ts=thread_ts or None,
                    title=gettext("Ask about the posts"),
                    prompts=prompts,
                )
            )
        except PlatformError as error:
            log.info("suggested prompts failed", cause=str(error))
