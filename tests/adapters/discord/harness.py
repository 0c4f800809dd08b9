"""The bot on a loopback Discord: what people write to it, and what they see."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from adapters.discord.app import Access, DiscordBot
from adapters.discord.message_sender import MessageSender, ReplyTarget
from adapters.discord.reply import DiscordReply, MessageSequence
from adapters.discord.rest_api import RestApi
from bot.app import Bot
from core.answerer import Answerer
from core.chat.delivery import deliver
from core.domain import Question
from core.storage import keys
from tests.servers.discord import Channel, DiscordServer, Interaction, Message, User
from tests.servers.discord.client import logged_in
from tests.servers.openai import OpenAIServer

WITHIN = 15.0
"""Seconds for anything to happen; it takes a tenth of one on an idle machine."""

Value = TypeVar("Value")


@dataclass(slots=True)
class Harness:
    """The loopback Discord, the model, and the bot between them."""

    discord: DiscordServer
    model: OpenAIServer
    bot: Bot
    app: DiscordBot

    def ask(self, text: str, channel: str | Channel | User = "general", user: str = "alice", **how: Any) -> Message:
        """Mention the bot with a question."""
        return self.discord.mention(user, channel, text) if not how else self.discord.say(user, channel, text, **how)

    def command(self, text: str, channel: str | Channel = "general", user: str = "alice", **more: Any) -> Interaction:
        """Use /ask."""
        return self.discord.slash(user, channel, "ask", question=text, **more)

    async def answer(self, asked: Message | Interaction) -> Message:
        """Wait for the answer and return its last message."""
        found = await self.until(lambda: self.answers(asked))
        return found[-1]

    def answers(self, asked: Message | Interaction) -> list[Message]:
        """Return the last messages of the answers in the channel since the question."""
        return [message for message in self.since(asked) if is_whole(message)]

    def since(self, asked: Message | Interaction) -> list[Message]:
        """Return the bot's messages in the channel since the question."""
        return said_since(self.discord, asked)

    async def until(self, predicate: Callable[[], Value | None], within: float = WITHIN) -> Value:
        """Return the predicate's first true value. It is polled, since the bot's own state sends no events."""
        end = asyncio.get_running_loop().time() + within
        while asyncio.get_running_loop().time() < end:
            if found := predicate():
                return found
            await asyncio.sleep(0.02)
        return await self.discord.until(predicate, 0.1)

    async def settled(self) -> None:
        """Wait until the bot has handled everything delivered so far."""
        async with asyncio.timeout(WITHIN):
            await self.delivered()
            while await self.bot.redis.exists(keys.pending_events("discord")):
                await asyncio.sleep(0.02)

    async def delivered(self) -> None:
        """Wait until the bot has claimed everything sent so far: it has answered a later event of the same gateway, and
        discord.py's tasks for the earlier ones have ended.
        """
        await self.discord.autocomplete("alice", "general", "reindex", "source", "")
        names = ("discord.py: ", "CommandTree-", "discord-ui-")
        if claiming := [task for task in asyncio.all_tasks() if task.get_name().startswith(names)]:
            await asyncio.wait(claiming)

    def questions(self) -> list[str]:
        """Return the questions that the model was asked, without passages."""
        return [chat.messages[-1]["content"].rsplit("Question: ", 1)[-1] for chat in self.model.chats]

    def refused(self) -> list[str]:
        """Return the calls that Discord refused."""
        return [f"{call.method} {call.path} {call.status}" for call in self.discord.calls if call.status >= 400]


def access(discord: DiscordServer, **given: Any) -> Access:
    """Return the access to the loopback Discord, with some values replaced."""
    reached: dict[str, Any] = {
        "bot_token": discord.token,
        "api_url": discord.api_url,
        "identify_every": timedelta(milliseconds=50),
    }
    return Access(**reached | given)


@asynccontextmanager
async def connected(discord: DiscordServer, model: OpenAIServer, bot: Bot, **given: Any) -> AsyncIterator[Harness]:
    """The bot, connected to Discord."""
    app = DiscordBot(bot.chat_services("discord"), access(discord, **given))
    async with app.open():
        await discord.ready()
        yield Harness(discord, model, bot, app)


async def deliver_reply(asker: Answerer, question: Question) -> list[Message]:
    """Deliver an answer to a channel without the rest of the bot, and return its messages."""
    async with DiscordServer() as server, logged_in(server) as client:
        asked = server.mention("alice", "general", question.text)
        target = ReplyTarget(str(asked.channel.id), str(asked.author.id), "1", question=str(asked.id))
        sender = MessageSender(RestApi(client), target)
        messages = MessageSequence(sender, question.id, _ignore_messages, _never_lost)
        await deliver(asker.ask(question), DiscordReply(sender, messages, question.id))
        assert all(message.reply_to is asked for message in server.said[:1])
        return server.said


async def _ignore_messages(messages: Sequence[str]) -> None:
    pass


async def _never_lost() -> bool:
    return False


def said_since(discord: DiscordServer, asked: Message | Interaction) -> list[Message]:
    """Return the bot's messages in the question's channel since the question."""
    return [one for one in discord.said if one.channel is asked.channel and one.id > asked.id]


def is_whole(message: Message) -> bool:
    """Return whether a message has the buttons of a finished or failed answer."""
    return bool({"why", "again"} & set(buttons(message)))


def buttons(message: Message) -> dict[str, str]:
    """Return the custom ids of a message's buttons by action."""
    return {button["custom_id"].split(":")[1]: button["custom_id"] for button in message.buttons}
