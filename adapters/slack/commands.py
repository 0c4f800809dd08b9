"""Slash commands: /ask, which answers the asker alone, and /forget. Slack does not let them be used inside threads."""

from collections.abc import Mapping
from typing import Any

import structlog
from aiolimiter import AsyncLimiter
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from adapters.slack.blocks import EXAMPLE, Block, button, context, section
from adapters.slack.ephemeral_reply import GROWS_EVERY, EphemeralReply, respond
from adapters.slack.mentions import MentionResolver
from core.chat.delivery import deliver
from core.chat.pacing import ReplyPace, paced
from core.chat.services import ChatServices
from core.domain import Conversation, Person, Question
from core.errors import to_footnoted_error

log = structlog.get_logger()

FORGOTTEN = "I have forgotten all that was asked here, in the threads of this channel as well."
USAGE = "Ask something, such as"


class Commands:
    """What people ask for with a slash. A person's /ask conversation in a channel is their own."""

    def __init__(self, client: AsyncWebClient, desk: ChatServices, names: MentionResolver) -> None:
        self._client = client
        self._desk = desk
        self._names = names
        self._budget = AsyncLimiter(100, 60)

    async def run(self, command: Mapping[str, Any]) -> None:
        """Whatever command it is. Whatever goes wrong, whoever has typed it is told so."""
        try:
            match command["command"]:
                case "/ask":
                    await self.ask(command)
                case "/forget":
                    await self.forget(command)
        except Exception as error:  # a door: behind it stands a person who waits
            known = to_footnoted_error(error)
            log.error("a command failed", error_id=known.id, cause=str(known), exc_info=error)
            told = [section(f"{known.user_message}  `{known.id}`")]
            await respond(self.webhook(command["response_url"]), told, known.user_message, replace=True)

    async def ask(self, command: Mapping[str, Any]) -> None:
        """Answers in the place of the acknowledgement."""
        text = await self._names.readable(command.get("text") or "")
        webhook = self.webhook(command["response_url"])
        place = private_place(command)
        if not text:
            await respond(webhook, await self._help(place), USAGE, replace=True)
            return
        person = Person(command["user_id"], await self._names.person(command["user_id"]))
        await self.answer(Question(text, place, person), webhook)

    async def answer(self, question: Question, webhook: AsyncWebhookClient) -> None:
        """Answers a question for one person alone."""
        channel = question.conversation.channel if question.conversation else ""
        user = question.person.id if question.person else ""
        reply = EphemeralReply(self._client, webhook, channel, user, question.id)
        async with paced(reply, ReplyPace(GROWS_EVERY, self._budget)) as slow:
            await deliver(self._desk.asker.ask(question), slow)

    async def forget(self, command: Mapping[str, Any]) -> None:
        """Removes what is remembered of a channel, or of a direct conversation, and says so."""
        await self._desk.forget(Conversation("slack", command["channel_id"], command["team_id"]))
        await respond(self.webhook(command["response_url"]), [section(FORGOTTEN)], FORGOTTEN, replace=True)

    def webhook(self, url: str) -> AsyncWebhookClient:
        """A client for one address of a command or a button, on the connections that are there already."""
        return AsyncWebhookClient(url, session=self._client.session, retry_handlers=[])

    async def _help(self, place: Conversation) -> list[Block]:
        examples = await self._desk.examples(place)
        buttons = [button(example, f"{EXAMPLE}:{at}", example) for at, example in enumerate(examples)]
        return [
            section("Write a question behind `/ask`; only you will see the answer."),
            *([context("For example:"), {"type": "actions", "elements": buttons}] if buttons else []),
        ]


def private_place(payload: Mapping[str, Any]) -> Conversation:
    """What somebody asks in a channel for themselves is a conversation of its own."""
    return Conversation("slack", payload["channel_id"], payload["team_id"], f"ask:{payload['user_id']}")
