"""A message's mentions and their notifications, by `allowed_mentions` and the author's permissions."""

import re

from tests.servers.discord.objects import Channel, Json, Mentions, Role, User, walk
from tests.servers.discord.permissions import MENTION_EVERYONE, VIEW_CHANNEL, may
from tests.servers.discord.store import Store

CODE = re.compile(r"```.*?```|``.*?``|`[^`\n]*`", re.DOTALL)
"""Nothing within code is a mention."""

USER, ROLE = re.compile(r"<@!?(\d{15,20})>"), re.compile(r"<@&(\d{15,20})>")
EVERYONE = re.compile(r"@(everyone|here)\b")

EVERYTHING: Json = {"parse": ["users", "roles", "everyone"], "replied_user": True}
"""The default of a message sent to a channel."""

USERS_ONLY: Json = {"parse": ["users"]}
"""The default of interactions and webhooks."""


def mentions_in(store: Store, channel: Channel, author: User, content: str, components: list[Json], allowed: Json,
                replied_to: User | None = None) -> Mentions:  # fmt: skip
    """Return the mentions. Only members who see the channel are notified; @everyone needs the permission."""
    shown = [content, *(str(part.get("content", "")) for part in walk(components) if part.get("type") == 10)]
    text = CODE.sub(" ", "\n".join(shown))
    parse = allowed.get("parse") or []
    users = [user for user in _users(store, text) if _allows(parse, "users", allowed, user.id)]
    roles = [role for role in _roles(channel, text) if _allows(parse, "roles", allowed, role.id)]
    powerful = may(author, channel, MENTION_EVERYONE)
    everyone = set(EVERYONE.findall(text)) if powerful and "everyone" in parse and channel.guild else set()
    if replied_to and allowed.get("replied_user"):
        users.append(replied_to)
    users = list(dict.fromkeys(users))
    notified = {user.mention for user in users if user is not author and may(user, channel, VIEW_CHANNEL)}
    notified |= {role.mention for role in roles if role.mentionable or powerful}
    return Mentions(tuple(users), tuple(roles), bool(everyone), frozenset(notified | everyone))


def _users(store: Store, text: str) -> list[User]:
    return [store.users[int(found)] for found in USER.findall(text) if int(found) in store.users]


def _roles(channel: Channel, text: str) -> list[Role]:
    roles = channel.guild.roles if channel.guild else {}
    return [roles[int(found)] for found in dict.fromkeys(ROLE.findall(text)) if int(found) in roles]


def _allows(parse: list[str], kind: str, allowed: Json, wanted: int) -> bool:
    return kind in parse or str(wanted) in map(str, allowed.get(kind) or ())
