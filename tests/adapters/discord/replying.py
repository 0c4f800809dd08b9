"""One reply alone, without the bot around it, in a loopback Discord."""

from collections.abc import Sequence

from adapters.discord.message_sender import MessageSender
from adapters.discord.message_sequence import MessageSequence
from adapters.discord.reply import DiscordReply
from adapters.discord.reply_target import ReplyTarget
from adapters.discord.rest_api import RestApi
from core.answerer import Answerer
from core.chat.delivery import deliver
from core.domain import Question
from tests.servers.discord import DiscordServer, Message
from tests.servers.discord.client import logged_in


async def replied(asker: Answerer, question: Question) -> list[Message]:
    """What the bot has said in the end to a question in a channel."""
    async with DiscordServer() as server, logged_in(server) as client:
        asked = server.mention("alice", "general", question.text)
        place = ReplyTarget(str(asked.channel.id), str(asked.author.id), "1", question=str(asked.id))
        pages = MessageSequence(MessageSender(RestApi(client), place), question.id, unnoted, never_lost)
        await deliver(asker.ask(question), DiscordReply(pages, question.id))
        assert all(message.reply_to is asked for message in server.said[:1])
        return server.said


async def unnoted(names: Sequence[str]) -> None:
    """Nobody looks for the messages."""


async def never_lost() -> bool:
    return False
