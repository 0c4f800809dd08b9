"""A loopback Slack server."""

from collections.abc import Callable, Iterable

from aiohttp import web

from tests.servers.loopback import Loopback
from tests.servers.slack.api import WebApi
from tests.servers.slack.chat import METHODS as CHAT
from tests.servers.slack.deliveries import Carrier, Delivery, Kind
from tests.servers.slack.events import callback, scope_of, subscription_of
from tests.servers.slack.http import HttpMode
from tests.servers.slack.lookups import METHODS as LOOKUPS
from tests.servers.slack.objects import Channel, Json
from tests.servers.slack.rate_limits import Rates
from tests.servers.slack.reactions import METHODS as REACTIONS
from tests.servers.slack.rules import BOT_SCOPES, Rules
from tests.servers.slack.sockets import Sockets
from tests.servers.slack.threads import METHODS as THREADS
from tests.servers.slack.user_actions import UserActions


class SlackServer(Loopback, UserActions):
    """Slack on 127.0.0.1: Web API, Socket Mode, HTTP mode, response URLs and simulated users.

    It starts with a workspace `team`, an `admin`, a `user`, the app's `bot` and a `channel` of all three. `calls`
    records all API calls, `deliveries.all` all deliveries with their acknowledgements; `until` waits for either.
    """

    def __init__(self, rules: Rules | None = None, *, rates: Rates | None = None, scopes: frozenset[str] = BOT_SCOPES,
                 port: int = 0) -> None:  # fmt: skip
        Loopback.__init__(self, port)
        UserActions.__init__(self, rules, scopes=scopes)
        self.rates = rates or Rates()
        self.sockets, self.http = Sockets(self), HttpMode(self)
        parts = (CHAT, LOOKUPS, REACTIONS, THREADS, self.streams.methods, self.views.methods, self.sockets.methods)
        methods = {name: method for part in parts for name, method in part.items()}
        self._api = WebApi(self, self, methods, self.rates)

    @property
    def base_url(self) -> str:
        """Return the `base_url` of an `AsyncWebClient`."""
        return f"{self.origin}/api/"

    def carrier(self, kind: Kind) -> Carrier:
        """Return the transport for this kind: HTTP if the app has a URL for it, else sockets."""
        return self.http if kind in self.http.urls else self.sockets

    def routes(self) -> Iterable[web.RouteDef]:
        yield web.route("*", "/api/{method}", self._api.serve)
        yield web.get("/link/", self.sockets.accept)
        yield web.post("/response/{id}", self.responses.serve)

    async def __aexit__(self, *_: object) -> None:
        self.cancel_timers()
        await self.deliveries.close()
        self.sockets.close()
        await self.http.close()
        await super().__aexit__()

    def dispatch(self, event: Json, team: str, channel: Channel | None = None) -> None:
        """Deliver the event if the app subscribes to it, has the scope and is in the channel."""
        installation, wanted = self.installed(team), self.rules.subscriptions
        if installation is None or (wanted is not None and subscription_of(event, channel) not in wanted):
            return
        scope = scope_of(event, channel)
        if scope and scope not in installation.scopes:
            return
        if channel and installation.bot.id not in channel.members:
            return
        if not self.rules.echoes and self.app.id in _authors(event):
            return
        self.deliver("events_api", callback(event, installation))

    def deliver(self, kind: Kind, payload: Json, then: Callable[[Delivery], None] | None = None) -> Delivery:
        answerable = kind == "slash_commands" or payload.get("type") == "view_submission"
        return self.deliveries.send(Delivery(kind, payload, answerable), self.carrier(kind), then)


def _authors(event: Json) -> list[str | None]:
    """Return the ids of the apps whose message the event is about."""
    return [part.get("app_id") for part in (event, event.get("message", {}), event.get("previous_message", {}))]
