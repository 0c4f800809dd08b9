"""A loopback Discord server: REST and gateway v10 with their rules, two guilds and simulated users.

Point discord.py at it with `discord.http.Route.BASE = server.api_url`; a plain Client, which does not request the
gateway's URL, also needs `discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(server.gateway_url)`.
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
from tests.servers.discord.store import Store
from tests.servers.discord.threads import Threads
from tests.servers.discord.user_actions import UserActions
from tests.servers.loopback import Loopback

Value = TypeVar("Value")


class DiscordServer(AdminActions, UserActions, Loopback):
    """It starts with two guilds. "acme" has the channels "general" and "random", the forum "help", alice (who may
    manage the guild), bob and carol; "initech" has the channel "lobby", dave and alice.

    `calls` are all requests and `interactions` all users' interactions with the bot, in order. `intents` are AppFlags:
    the privileged intents that the application is granted.
    """

    def __init__(self, *, token: str = "bot-token", rules: Rules | None = None, bot_name: str = "bot",
                 intents: int = 0, port: int = 0) -> None:  # fmt: skip
        super().__init__(port)
        self.token, self.rules = token, rules or Rules()
        self.platform = Platform(self.rules, token, lambda: self.gateway_url, bot_name)
        self.store.application.flags = intents
        channels, writer = Channels(self.platform), MessageWriter(self.platform)
        self.commands, self.messages = Commands(self.platform), Messages(channels, writer)
        self._parts = (channels, self.messages, Threads(channels, writer), self.commands, Callbacks(writer))
        self.api = Api(self, self.platform.watch, RateLimits(self.rules), token)
        add_default_guilds(self.store)

    @property
    def api_url(self) -> str:
        """Return the value for `discord.http.Route.BASE`."""
        return self.origin + API

    @property
    def gateway_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/gateway"

    @property
    def store(self) -> Store:
        return self.platform.store

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
        """Return the bot's undeleted messages, in order."""
        return [one for one in self.store.messages.values() if one.author is self.bot and not one.deleted]

    def calls_to(self, method: str, path: str) -> list[Call]:
        """Return the requests whose path starts with this one."""
        return [call for call in self.calls if call.method == method and call.path.startswith(path)]

    async def until(self, predicate: Callable[[], Value | None], within: float = 5.0) -> Value:
        """Return the predicate's result once it is true.

        Raise TimeoutError after so many seconds, with the last requests in its message.
        """
        try:
            return await self.platform.watch.until(predicate, within)
        except TimeoutError:
            last = "; ".join(f"{call.method} {call.path[:60]} → {call.status}" for call in self.calls[-5:])
            raise TimeoutError(f"not within {within:g} s; the last requests were: {last or 'none'}") from None

    async def ready(self, shards: int = 1, within: float = 10.0) -> None:
        """Wait for so many shards to connect."""
        await self.until(lambda: len(self.gateway.listening) >= shards, within)

    def inject_fault(self, pattern: str, fault: Fault, times: int | None = 1) -> None:
        """Inject a fault into the next requests of "METHOD path", `*` for anything; None: into all."""
        self.api.script.add(pattern, fault, times)

    def clear_faults(self) -> None:
        self.api.script.clear()

    def routes(self) -> Iterable[web.RouteDef]:
        yield web.get("/gateway", self.gateway.serve)
        yield web.get("/gateway/", self.gateway.serve)
        yield from self.api.routes(route for part in self._parts for route in part.routes())

    async def __aexit__(self, *exception: object) -> None:
        await self.gateway.stop()
        await super().__aexit__(*exception)


def add_default_guilds(store: Store) -> None:
    """Create the guilds, channels and users that every server starts with."""
    alice, bob, carol, dave = (store.user(name) for name in ("alice", "bob", "carol", "dave"))
    acme = store.guild("acme", members=(alice, bob, carol))
    store.channel(acme, "general")
    store.channel(acme, "random")
    store.channel(acme, "help", Kind.FORUM)
    acme.members[alice.id].roles.append(store.role(acme, "managers", MANAGE_GUILD))
    initech = store.guild("initech", members=(dave, alice))
    store.channel(initech, "lobby")
