"""One reply alone, without the bot around it, in a loopback Discord."""

from collections.abc import Sequence

from adapters.discord.calling import Calls
from adapters.discord.outlet import Outlet
from adapters.discord.pages import Pages
from adapters.discord.place import Place
from adapters.discord.reply import DiscordReply
from core.asking import Asker
from core.delivery.delivering import deliver
from core.vocabulary import Question
from tests.servers.discord import DiscordServer, Message
from tests.servers.discord_bot import logged_in


async def replied(asker: Asker, question: Question) -> list[Message]:
    """What the bot has said in the end to a question in a channel."""
    async with DiscordServer() as server, logged_in(server) as client:
        asked = server.mention("alice", "general", question.text)
        place = Place(str(asked.channel.id), str(asked.author.id), "1", question=str(asked.id))
        pages = Pages(Outlet(Calls(client), place), question.id, unnoted, never_lost)
        await deliver(asker.ask(question), DiscordReply(pages, question.id))
        assert all(message.reply_to is asked for message in server.said[:1])
        return server.said


async def unnoted(names: Sequence[str]) -> None:
    """Nobody looks for the messages."""


async def never_lost() -> bool:
    return False
