"""A loopback Slack that keeps the real one's rules and has accidents on order; it knows nothing of the bot."""

from collections.abc import Iterable
from typing import Any, Self

from aiohttp import web

from tests.servers import Loopback, Slow, Status
from tests.servers.slack_api import WebApi
from tests.servers.slack_calls import App, Call, Dropped, Error, Installation, Ordinary, RateLimited
from tests.servers.slack_chat import METHODS as CHAT
from tests.servers.slack_deliveries import Carrier, Deliveries, Delivery, Kind, Late, Lost, Normal, Twice
from tests.servers.slack_events import callback, scope_of, subscription_of
from tests.servers.slack_interactions import Interacting, Interaction
from tests.servers.slack_lookups import METHODS as LOOKUPS
from tests.servers.slack_rates import Rates
from tests.servers.slack_reactions import METHODS as REACTIONS
from tests.servers.slack_rules import BOT_SCOPES, Rules
from tests.servers.slack_sockets import Sockets
from tests.servers.slack_threads import METHODS as THREADS
from tests.servers.slack_world import Channel, Json, Message, Team, User

__all__ = ["BOT_SCOPES", "App", "Call", "Channel", "Deliveries", "Dropped", "Error", "Installation", "Late", "Lost",
           "Message", "Normal", "Ordinary", "RateLimited", "Rates", "Rules", "SlackServer", "Slow", "Status", "Team",
           "Twice", "User"]  # fmt: skip


class SlackServer(Interacting, Loopback):
    """Slack on 127.0.0.1: the Web API, Socket Mode, response addresses, and people who act as a test tells them.

    It begins with a workspace `team`, an `admin`, a `user`, the app's own `bot` and a `channel` of all three; more can
    be added. `rules` and `rates` may be changed while it runs. `calls` are all calls of methods, `deliveries.all` all
    that the app was to be told, with its acknowledgements; `until` waits for either.
    """

    def __init__(self, rules: Rules | None = None, *, rates: Rates | None = None, scopes: frozenset[str] = BOT_SCOPES,
                 port: int = 0) -> None:  # fmt: skip
        Loopback.__init__(self, port)
        Interacting.__init__(self, rules, scopes=scopes)
        self.rates = rates or Rates()
        self.sockets = Sockets(self)
        parts = (CHAT, LOOKUPS, REACTIONS, THREADS, self.streams.methods, self.views.methods, self.sockets.methods)
        methods = {name: method for part in parts for name, method in part.items()}
        self._api = WebApi(self, self, methods, self.rates)

    @property
    def base_url(self) -> str:
        """What `AsyncWebClient(base_url=…)` is to be."""
        return f"{self.origin}/api/"

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def carrier(self) -> Carrier:
        """What brings deliveries to the app."""
        return self.sockets

    def routes(self) -> Iterable[web.RouteDef]:
        yield web.route("*", "/api/{method}", self._api.serve)
        yield web.get("/link/", self.sockets.accept)
        yield web.post("/response/{id}", self.responses.serve)

    async def __aenter__(self) -> Self:
        return await super().__aenter__()

    async def __aexit__(self, *_: object) -> None:
        self.cancel_timers()
        await self.deliveries.close()
        self.sockets.close()
        await super().__aexit__()

    def dispatch(self, event: Json, team: str, channel: Channel | None = None) -> None:
        """Tell the app of the event, if it is subscribed to it, may know of it, and is where it happened."""
        installation, wanted = self.installed(team), self.rules.subscriptions
        if installation is None or (wanted is not None and subscription_of(event, channel) not in wanted):
            return
        scope = scope_of(event, channel)
        if scope and scope not in installation.scopes:
            return
        if channel and installation.bot.id not in channel.members:
            return
        if not self.rules.echoes and event.get("app_id") == self.app.id:
            return
        self.deliver("events_api", callback(event, installation))

    def deliver(self, kind: Kind, payload: Json, interaction: Interaction | None = None) -> Delivery:
        """Bring it to the app in the background."""
        answerable = kind == "slash_commands" or payload.get("type") == "view_submission"
        delivery = Delivery(kind, payload, answerable)

        def done(_: Any) -> None:
            if interaction:
                self.answered(interaction)

        if interaction:
            interaction.delivery = delivery
        return self.deliveries.send(delivery, self.carrier, done)
