"""Permissions of a member in a channel: roles first, then the channel's overwrites."""

from collections.abc import Iterable

from tests.servers.discord.objects import Channel, Guild, User

ADMINISTRATOR = 1 << 3
MANAGE_CHANNELS = 1 << 4
MANAGE_GUILD = 1 << 5
ADD_REACTIONS = 1 << 6
VIEW_CHANNEL = 1 << 10
SEND_MESSAGES = 1 << 11
MANAGE_MESSAGES = 1 << 13
EMBED_LINKS = 1 << 14
ATTACH_FILES = 1 << 15
READ_MESSAGE_HISTORY = 1 << 16
MENTION_EVERYONE = 1 << 17
USE_EXTERNAL_EMOJIS = 1 << 18
USE_APPLICATION_COMMANDS = 1 << 31
MANAGE_THREADS = 1 << 34
CREATE_PUBLIC_THREADS = 1 << 35
CREATE_PRIVATE_THREADS = 1 << 36
SEND_MESSAGES_IN_THREADS = 1 << 38

ALL = (1 << 53) - 1
MEMBERS_MAY = (
    ADD_REACTIONS | VIEW_CHANNEL | SEND_MESSAGES | EMBED_LINKS | ATTACH_FILES | READ_MESSAGE_HISTORY
    | USE_APPLICATION_COMMANDS | CREATE_PUBLIC_THREADS | CREATE_PRIVATE_THREADS | SEND_MESSAGES_IN_THREADS
)  # fmt: skip
"""What @everyone may do in a new guild, as far as a bot can notice it. Pinging everyone is not in it."""

IN_DIRECT_MESSAGES = MEMBERS_MAY | MENTION_EVERYONE | USE_EXTERNAL_EMOJIS


def in_guild(user: User, guild: Guild) -> int:
    """Return a user's permissions by roles alone; 0 for non-members."""
    member = guild.members.get(user.id)
    if member is None:
        return 0
    allowed = guild.everyone.permissions
    for role in member.roles:
        allowed |= role.permissions
    return ALL if allowed & ADMINISTRATOR or guild.owner is user else allowed


def in_channel(user: User, channel: Channel) -> int:
    """Apply roles, then overwrites for everyone, the roles together and the member. Threads inherit their parent's."""
    if channel.guild is None:
        return IN_DIRECT_MESSAGES if user in channel.recipients or user.bot else 0
    allowed = in_guild(user, channel.guild)
    if allowed == ALL or not allowed:
        return allowed
    overwrites = (channel.parent or channel if channel.is_thread else channel).overwrites
    roles = [overwrites[role.id] for role in channel.guild.members[user.id].roles if role.id in overwrites]
    together = (_either(allow for allow, _ in roles), _either(deny for _, deny in roles))
    for allow, deny in (overwrites.get(channel.guild.id, (0, 0)), together, overwrites.get(user.id, (0, 0))):
        allowed = allowed & ~deny | allow
    return allowed if allowed & VIEW_CHANNEL else 0


def may(user: User, channel: Channel, permission: int) -> bool:
    return in_channel(user, channel) & permission == permission


def speaking(channel: Channel) -> int:
    """Return the permission that sending in the channel needs."""
    return SEND_MESSAGES_IN_THREADS if channel.is_thread else SEND_MESSAGES


def _either(permissions: Iterable[int]) -> int:
    together = 0
    for permission in permissions:
        together |= permission
    return together
