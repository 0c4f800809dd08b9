"""The bot on a loopback Slack: what people write to it, and what they see."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from adapters.slack.app import Access, SlackBot
from adapters.slack.web_api import DEFAULT_TIMEOUTS, Timeouts
from bot.app import Bot
from tests.servers.openai import OpenAIServer
from tests.servers.slack import Channel, Message, SlackServer, User

WITHIN = 15.0
"""Seconds for anything to happen; it takes a tenth of one where nothing else runs."""


@dataclass(slots=True)
class Room:
    """A Slack with the bot in it, the model behind the bot, and the bot itself."""

    slack: SlackServer
    model: OpenAIServer
    bot: Bot
    app: SlackBot

    @property
    def me(self) -> str:
        """The bot's mention."""
        return f"<@{self.slack.bot.id}>"

    def ask(
        self,
        text: str,
        channel: Channel | None = None,
        thread: Message | str | None = None,
        user: User | None = None,
        mention: bool = True,
    ) -> Message:
        """Post a message of a user, with a mention of the bot by default."""
        place = channel or self.slack.channel
        under = thread.ts if isinstance(thread, Message) else thread
        said = f"{self.me} {text}" if mention and place.kind != "im" else text
        return self.slack.say(user or self.slack.user, place, said, under)

    async def answer(self, asked: Message, number: int = 0) -> Message:
        """The whole answer to a message, when it is there; `number` counts whole answers in the thread from 0."""
        answers = await self.until(lambda: self.answers(asked)[number:])
        found: Message = answers[0]
        return found

    def answers(self, asked: Message) -> list[Message]:
        """The messages below which an answer ends, in the thread in which something was asked."""
        return [m for m in self.own(asked) if is_whole(m)]

    def own(self, asked: Message) -> list[Message]:
        """The bot's messages in the thread in which something was asked."""
        thread = self.slack.messages(asked.channel, asked.root)
        return [m for m in thread if m.user == self.slack.bot.id and m is not asked]

    async def until(self, predicate: Callable[[], Any], within: float = WITHIN) -> Any:
        return await self.slack.until(predicate, within)

    async def settled(self) -> None:
        """All that was delivered has been handled, as far as can be seen from outside."""
        await self.until(lambda: all(delivery.finished for delivery in self.slack.deliveries.all))
        async with asyncio.timeout(WITHIN):
            while await self.bot.redis.exists("unanswered:{slack}"):
                await asyncio.sleep(0.02)

    async def model_stopped(self, number: int = 0) -> None:
        """Wait until the model's request of that number is cancelled."""
        async with asyncio.timeout(WITHIN):
            await self.model.chats[number].finished.wait()
        assert self.model.chats[number].cancelled

    def asked_of_model(self) -> list[str]:
        """The last message of each prompt: passages and question."""
        return [chat.messages[-1]["content"] for chat in self.model.chats]

    def questions(self) -> list[str]:
        """Return the questions in the model's prompts, without the passages."""
        return [request.rsplit("Question: ", 1)[-1] for request in self.asked_of_model()]


def access(slack: SlackServer, **given: Any) -> Access:
    """Socket Mode, unless something else is given."""
    reached: dict[str, Any] = {
        "bot_token": slack.bot_token,
        "app_token": slack.app_token,
        "api_url": slack.base_url,
    } | given
    return Access(**reached)


@asynccontextmanager
async def entered(
    slack: SlackServer, model: OpenAIServer, bot: Bot, timeouts: Timeouts = DEFAULT_TIMEOUTS
) -> AsyncIterator[Room]:
    """The bot, connected to Slack by a socket."""
    app = SlackBot(bot.chat_services("slack"), access(slack), timeouts)
    async with app.open():
        await slack.until(lambda: slack.sockets.open)
        yield Room(slack, model, bot, app)


def is_whole(message: Message) -> bool:
    """Return whether a message ends with the blocks of a finished or failed answer."""
    return any(str(block.get("block_id", "")).startswith("answer:") for block in message.blocks)


def is_failure(message: Message) -> bool:
    return is_whole(message) and "again" in actions(message)


def read(message: Message) -> str:
    """The text of an answer as people see it, whether it came by a stream or as a block."""
    written = [block["text"] for block in message.blocks if block["type"] == "markdown"]
    return "".join(written) if written else message.text


def below(message: Message) -> str:
    """Return the text of all blocks below the answer."""
    return "\n".join(_texts([block for block in message.blocks if block["type"] != "markdown"]))


def actions(message: Message) -> dict[str, dict[str, Any]]:
    """Return the interactive elements of a message by action id."""
    elements = (element for block in message.blocks for element in block.get("elements", ()))
    return {element["action_id"]: element for element in elements if "action_id" in element}


def _texts(part: Any) -> list[str]:
    if isinstance(part, list):
        return [text for one in part for text in _texts(one)]
    if isinstance(part, dict):
        own = [part["text"]] if isinstance(part.get("text"), str) else []
        return own + [text for name, value in part.items() if name != "text" or not own for text in _texts(value)]
    return []
