"""A loopback Discord: REST and gateway v10 with their rules, a small world, and people who act in it; it knows no bot.

Point discord.py at it with `discord.http.Route.BASE = server.api_url`; a plain Client, which does not ask where the
gateway is, needs `discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(server.gateway_url)` as well.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from aiohttp import web

from tests.servers.discord.admin_actions import AdminActions
from tests.servers.discord.callbacks import Callbacks
from tests.servers.discord.channels import Channels
from tests.servers.discord.commands import Commands
from tests.servers.discord.faults import Fault
from tests.servers.discord.gateway import Gateway
from tests.servers.discord.http import API, Api, Call
from tests.servers.discord.interactions import Interaction
from tests.servers.discord.message_writer import MessageWriter
from tests.servers.discord.messages import Messages
from tests.servers.discord.objects import Kind, Message, User
from tests.servers.discord.permissions import MANAGE_GUILD
from tests.servers.discord.platform import Platform
from tests.servers.discord.rate_limits import RateLimits
from tests.servers.discord.rules import Rules
from tests.servers.discord.threads import Threads
from tests.servers.discord.user_actions import UserActions
from tests.servers.discord.world import World
from tests.servers.loopback import Loopback

Value = TypeVar("Value")


class DiscordServer(AdminActions, UserActions, Loopback):
    """The small world has the guilds "acme" and "initech"; in acme the channels "general" and "random", the forum
    "help", and alice, who may manage the guild, bob and carol; in initech the channel "lobby", and dave and alice.

    `calls` are the requests, `interactions` what people did with the bot, both in order. `token` is the bot's.
    `intents` are AppFlags: which privileged intents the application may ask for; none at first.
    """

    def __init__(self, *, token: str = "bot-token", rules: Rules | None = None, bot_name: str = "bot",
                 intents: int = 0, port: int = 0) -> None:  # fmt: skip
        super().__init__(port)
        self.token, self.rules = token, rules or Rules()
        self.platform = Platform(self.rules, token, lambda: self.gateway_url, bot_name)
        self.world.application.flags = intents
        places, writer = Channels(self.platform), MessageWriter(self.platform)
        self.commands, self.messages = Commands(self.platform), Messages(places, writer)
        self._parts = (places, self.messages, Threads(places, writer), self.commands, Callbacks(writer))
        self.api = Api(self, self.platform.watch, RateLimits(self.rules), token)
        furnish(self.world)

    @property
    def api_url(self) -> str:
        """What `discord.http.Route.BASE` is to be."""
        return self.origin + API

    @property
    def gateway_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/gateway"

    @property
    def world(self) -> World:
        return self.platform.world

    @property
    def gateway(self) -> Gateway:
        return self.platform.gateway

    @property
    def bot(self) -> User:
        return self.platform.bot

    @property
    def calls(self) -> list[Call]:
        return self.api.calls

    @property
    def interactions(self) -> list[Interaction]:
        return list(self.platform.interactions.values())

    @property
    def said(self) -> list[Message]:
        """The bot's messages that stand somewhere now, in the order in which they were sent."""
        return [one for one in self.world.messages.values() if one.author is self.bot and not one.deleted]

    def calls_to(self, method: str, path: str) -> list[Call]:
        """Those whose path begins so."""
        return [call for call in self.calls if call.method == method and call.path.startswith(path)]

    async def until(self, predicate: Callable[[], Value | None], within: float = 5.0) -> Value:
        """What the predicate returns, as soon as that is true; it is asked after everything that happens.

        Raises TimeoutError after so many seconds, with the last requests in its text.
        """
        try:
            return await self.platform.watch.until(predicate, within)
        except TimeoutError:
            last = "; ".join(f"{call.method} {call.path[:60]} → {call.status}" for call in self.calls[-5:])
            raise TimeoutError(f"not within {within:g} s; the last requests were: {last or 'none'}") from None

    async def ready(self, shards: int = 1, within: float = 10.0) -> None:
        """Until so many shards listen."""
        await self.until(lambda: len(self.gateway.listening) >= shards, within)

    def misbehave(self, pattern: str, fault: Fault, times: int | None = 1) -> None:
        """For the next so many requests of that method and path, each `*` for anything; None: for all."""
        self.api.script.add(pattern, fault, times)

    def behave(self) -> None:
        self.api.script.clear()

    def routes(self) -> Iterable[web.RouteDef]:
        yield web.get("/gateway", self.gateway.serve)
        yield web.get("/gateway/", self.gateway.serve)
        yield from self.api.routes(route for part in self._parts for route in part.routes())

    async def __aexit__(self, *exception: object) -> None:
        await self.gateway.stop()
        await super().__aexit__(*exception)


def furnish(world: World) -> None:
    """The small world that every server begins with."""
    alice, bob, carol, dave = (world.user(name) for name in ("alice", "bob", "carol", "dave"))
    acme = world.guild("acme", members=(alice, bob, carol))
    world.channel(acme, "general")
    world.channel(acme, "random")
    world.channel(acme, "help", Kind.FORUM)
    acme.members[alice.id].roles.append(world.role(acme, "managers", MANAGE_GUILD))
    initech = world.guild("initech", members=(dave, alice))
    world.channel(initech, "lobby")
