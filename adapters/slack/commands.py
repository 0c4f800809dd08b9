"""Slash commands: /ask, which answers the user alone, /forget and /reindex. Slack has none inside threads."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from aiolimiter import AsyncLimiter
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from adapters.slack.blocks import cancel_button, error_text, example_buttons, markdown, section
from adapters.slack.ephemeral_reply import EphemeralReply
from adapters.slack.escaping import escape, fallback, neutralize_mentions
from adapters.slack.events import Click
from adapters.slack.mentions import MentionResolver
from adapters.slack.message import message_content, update
from adapters.slack.response_url import respond, response_webhook
from adapters.slack.web_api import SlackRefusedError, call_api
from core.chat.admin_reports import REPORT_NAMES, admin_report
from core.chat.delivery import deliver
from core.chat.error_report import report_error
from core.chat.paced_reply import ReplyPace, paced
from core.chat.run_notice import RunNotice, cancel_run, report_failure
from core.chat.services import ChatServices
from core.chat.texts import CHANNEL_FORGOTTEN, failure_text
from core.domain import Conversation, Person, Question
from core.i18n import N_, gettext, use_language

USAGE = N_("Write a question after `/ask`. Only you will see the answer.")

UPDATE_INTERVAL = timedelta(seconds=4)
UPDATES_PER_MINUTE = 100

DRY_RUN = frozenset({"dry_run", "dry-run", "--dry-run"})
FORCE = frozenset({"force", "--force"})
ROLLBACK = frozenset({"rollback", "--rollback", "roll back"})
CANCEL_RUN = frozenset({"cancel", "--cancel", "stop"})


class Commands:
    """Runs slash commands. A user's /ask questions in a channel are a conversation of their own.

    `admins` may reindex besides the workspace's admins and owners; core decides who may do what.
    """

    def __init__(
        self, client: AsyncWebClient, services: ChatServices, mentions: MentionResolver, admins: frozenset[str]
    ) -> None:
        self._client = client
        self._services = services
        self._mentions = mentions
        self._admins = admins
        self._limiter = AsyncLimiter(UPDATES_PER_MINUTE, 60)

    async def run(self, command: Mapping[str, Any]) -> None:
        """Run a command and report its errors to the user."""
        use_language(await self._mentions.locale(command["user_id"]))
        try:
            match command["command"]:
                case "/ask":
                    await self._ask(command)
                case "/forget":
                    await self._forget(command)
                case "/reindex":
                    await self._reindex(command)
        except Exception as error:  # Boundary: report any error to the user.
            known = report_error("command failed", error, command=command["command"])
            await self._respond(command, error_text(known), known.translated_message, replace=True)

    async def answer(self, question: Question, webhook: AsyncWebhookClient, quoted: bool = False) -> None:
        """Answer a question for one user alone; `quoted` repeats it above the answer."""
        channel = question.conversation.channel if question.conversation else ""
        user = question.person.id if question.person else ""
        reply = EphemeralReply(self._client, webhook, channel, user, question.id, question.text if quoted else "")
        async with paced(reply, ReplyPace(UPDATE_INTERVAL, self._limiter)) as paced_reply:
            await deliver(self._services.ask(question), paced_reply)

    async def cancel(self, click: Click) -> None:
        try:
            await self._services.cancel_run(await self._admin(click.user))
        except Exception as error:  # Boundary: report any error to the user.
            text = failure_text(report_failure(error))
            await call_api(self._client.chat_postEphemeral(channel=click.channel, user=click.user, text=text))

    async def _ask(self, command: Mapping[str, Any]) -> None:
        text = await self._mentions.resolve(command.get("text") or "")
        webhook = response_webhook(self._client, command["response_url"])
        conversation = private_conversation(command["channel_id"], command["team_id"], command["user_id"])
        if not text:
            blocks = [section(gettext(USAGE)), *example_buttons(await self._services.examples(conversation))]
            await respond(webhook, blocks, gettext(USAGE), replace=True)
            return
        person = await self._mentions.person(command["user_id"])
        await self.answer(Question(text, conversation, person), webhook)

    async def _forget(self, command: Mapping[str, Any]) -> None:
        await self._services.forget(_channel_of(command))
        text = gettext(CHANNEL_FORGOTTEN)
        await self._respond(command, text, text, replace=True)

    async def _reindex(self, command: Mapping[str, Any]) -> None:
        """Run /reindex with a source, `dry_run`, `force`, `rollback` or `cancel`, or show one of the reports."""
        text = (command.get("text") or "").strip()

        async def tell(text: str) -> None:
            await self._respond(command, escape(text), text, replace=False)

        channel = _channel_of(command)
        try:
            person = await self._admin(command["user_id"])
            if text.lower() in CANCEL_RUN:
                await tell(await cancel_run(self._services, person))
                return
            if report := next((name for name in REPORT_NAMES if name == text.lower().lstrip("-")), None):
                await self._show_report(command, await admin_report(self._services, report, person, channel))
                return
        except Exception as error:  # Boundary: report any error to the admin.
            await tell(failure_text(report_failure(error)))
            return
        sources = self._services.visible_sources(channel)
        message = _RunMessage(self._client, command["channel_id"], command["user_id"])
        notice = RunNotice(message.write, sources=sources)
        if text.lower() in ROLLBACK:
            await notice.roll_back(self._services, person, tell)
            return
        source, dry_run, force = parse_reindex(text)
        await notice.reindex(self._services, person, source, dry_run=dry_run, force=force, tell=tell)

    async def _show_report(self, command: Mapping[str, Any], text: str) -> None:
        text = neutralize_mentions(text)
        webhook = response_webhook(self._client, command["response_url"])
        await respond(webhook, [markdown(text)], fallback(text), replace=True)

    async def _admin(self, user: str) -> Person:
        person = await self._mentions.admin(user)
        return replace(person, admin=person.admin or user in self._admins)

    async def _respond(self, command: Mapping[str, Any], mrkdwn: str, text: str, replace: bool) -> None:
        await respond(response_webhook(self._client, command["response_url"]), [section(mrkdwn)], text, replace)


class _RunMessage:
    """The message of a run: in the channel, or in a direct message where the bot may not write."""

    def __init__(self, client: AsyncWebClient, channel: str, user: str) -> None:
        self._client = client
        self._channel = channel
        self._user = user
        self._ts = ""

    async def write(self, text: str, cancellable: bool) -> None:
        text = neutralize_mentions(text)
        below = [cancel_button()] if cancellable else []
        if self._ts:
            await update(self._client, self._channel, self._ts, text, below)
            return
        content = message_content(text, below)
        try:
            posted = await call_api(self._client.chat_postMessage(channel=self._channel, unfurl_links=False, **content))
        except SlackRefusedError:
            opened = await call_api(self._client.conversations_open(users=self._user))
            self._channel = opened["channel"]["id"]
            posted = await call_api(self._client.chat_postMessage(channel=self._channel, unfurl_links=False, **content))
        self._ts = str(posted["ts"])


def parse_reindex(text: str) -> tuple[str, bool, bool]:
    """Return the source, whose name may hold spaces, and whether it is a dry run and forced."""
    words = text.split()
    options = {word.lower() for word in words}
    source = " ".join(word for word in words if word.lower() not in DRY_RUN | FORCE)
    return source, not options.isdisjoint(DRY_RUN), not options.isdisjoint(FORCE)


def _channel_of(command: Mapping[str, Any]) -> Conversation:
    return Conversation("slack", command["channel_id"], command["team_id"])


def private_conversation(channel: str, team: str, user: str) -> Conversation:
    """Return the conversation of what a user asks in a channel privately."""
    return Conversation("slack", channel, team, f"ask:{user}")
