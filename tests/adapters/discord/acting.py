"""The bot on a loopback Discord: what people say to it, and what they read."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from adapters.discord.app import Access, DiscordBot
from bot.app import Bot
from tests.servers.discord import Channel, DiscordServer, Interaction, Message, User
from tests.servers.openai import OpenAIServer

WITHIN = 15.0
"""Seconds for anything to happen; it takes a tenth of one where nothing else runs."""

Value = TypeVar("Value")


@dataclass(slots=True)
class Room:
    """A Discord with the bot in it, the model behind the bot, and the bot itself."""

    discord: DiscordServer
    model: OpenAIServer
    bot: Bot
    app: DiscordBot

    def ask(self, text: str, channel: str | Channel | User = "general", user: str = "alice", **how: Any) -> Message:
        """Somebody mentions the bot; in a direct conversation that is not needed."""
        return self.discord.mention(user, channel, text) if not how else self.discord.say(user, channel, text, **how)

    def command(self, text: str, channel: str | Channel = "general", user: str = "alice", **more: Any) -> Interaction:
        """Somebody uses /ask."""
        return self.discord.slash(user, channel, "ask", question=text, **more)

    async def answer(self, asked: Message | Interaction) -> Message:
        """The last message of the answer to a message or a command, when it is whole."""
        found = await self.until(lambda: self.answers(asked))
        return found[-1]

    def answers(self, asked: Message | Interaction) -> list[Message]:
        """The messages with which an answer ends, among all that the bot has said since."""
        return [one for one in self.since(asked) if is_whole(one)]

    def since(self, asked: Message | Interaction) -> list[Message]:
        """What the bot has said since, where that was asked, and stands there."""
        return [one for one in self.discord.said if one.channel is asked.channel and one.id > asked.id]

    async def until(self, predicate: Callable[[], Value | None], within: float = WITHIN) -> Value:
        """What the predicate returns, as soon as that is true. It may ask the bot itself, which tells nobody when
        something changes there, so it is asked again and again."""
        end = asyncio.get_running_loop().time() + within
        while asyncio.get_running_loop().time() < end:
            if found := predicate():
                return found
            await asyncio.sleep(0.02)
        return await self.discord.until(predicate, 0.1)

    async def settled(self) -> None:
        """All that was delivered has been handled, as far as can be seen from outside."""
        async with asyncio.timeout(WITHIN):
            await asyncio.sleep(0.1)  # what is on its way to the bot
            while await self.bot.redis.exists("unanswered:{discord}"):
                await asyncio.sleep(0.02)

    def questions(self) -> list[str]:
        """What the model was asked, without the passages."""
        return [chat.messages[-1]["content"].rsplit("Question: ", 1)[-1] for chat in self.model.chats]

    def refused(self) -> list[str]:
        """What Discord said no to."""
        return [f"{call.method} {call.path} {call.status}" for call in self.discord.calls if call.status >= 400]


def access(discord: DiscordServer, **given: Any) -> Access:
    """The loopback Discord's, unless something else is given."""
    reached: dict[str, Any] = {
        "bot_token": discord.token,
        "api_url": discord.api_url,
        "identify_every": timedelta(milliseconds=50),
    }
    return Access(**reached | given)


@asynccontextmanager
async def entered(discord: DiscordServer, model: OpenAIServer, bot: Bot, **given: Any) -> AsyncIterator[Room]:
    """The bot, connected to Discord."""
    app = DiscordBot(bot.chat_services("discord"), access(discord, **given))
    async with app.open():
        await discord.ready()
        yield Room(discord, model, bot, app)


def is_whole(message: Message) -> bool:
    """Whether a message ends with the buttons of a finished or failed answer."""
    return bool({"up", "again"} & set(buttons(message)))


def buttons(message: Message) -> dict[str, str]:
    """The names of a message's buttons, by what they do."""
    return {button["custom_id"].split(":")[1]: button["custom_id"] for button in message.buttons}
