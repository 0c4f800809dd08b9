"""A loopback Discord: REST and gateway v10 with their rules, two guilds and simulated users."""

from tests.servers.discord.errors import ApiError
from tests.servers.discord.faults import Dropped, Late, RateLimited
from tests.servers.discord.interactions import Callback, Interaction
from tests.servers.discord.objects import AppFlag, Channel, Flag, Kind, Message, Role, User
from tests.servers.discord.rules import Quota, Rules
from tests.servers.discord.server import DiscordServer
from tests.servers.discord.sessions import Intent
from tests.servers.discord.user_messages import UserActionError

__all__ = [
    "ApiError",
    "AppFlag",
    "Callback",
    "Channel",
    "DiscordServer",
    "Dropped",
    "Flag",
    "Intent",
    "Interaction",
    "Kind",
    "Late",
    "Message",
    "Quota",
    "RateLimited",
    "Role",
    "Rules",
    "User",
    "UserActionError",
]
