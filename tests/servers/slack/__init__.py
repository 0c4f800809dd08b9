"""A loopback Slack: Web API, Socket Mode, HTTP mode, rate limits and simulated users."""

from tests.servers.slack.blocks import check_blocks, texts_of
from tests.servers.slack.calls import App, Dropped, Error, Ordinary, RateLimited
from tests.servers.slack.deliveries import Late, Lost, Normal, Twice
from tests.servers.slack.events import callback
from tests.servers.slack.objects import Channel, Message, User
from tests.servers.slack.payloads import message_payload
from tests.servers.slack.rate_limits import Rates
from tests.servers.slack.rules import BOT_SCOPES, Rules
from tests.servers.slack.server import SlackServer
from tests.servers.slack.views import checked_view

__all__ = [
    "BOT_SCOPES",
    "App",
    "Channel",
    "Dropped",
    "Error",
    "Late",
    "Lost",
    "Message",
    "Normal",
    "Ordinary",
    "RateLimited",
    "Rates",
    "Rules",
    "SlackServer",
    "Twice",
    "User",
    "callback",
    "check_blocks",
    "checked_view",
    "message_payload",
    "texts_of",
]
