"""reactions.add and reactions.remove."""

from tests.servers.slack.calls import ApiError, Call
from tests.servers.slack.objects import Channel, Json, Message
from tests.servers.slack.platform import Method, Methods, Platform
from tests.servers.slack.requests import channel_of

MOST_EMOJI = 23


def add(slack: Platform, call: Call) -> Json:
    channel, message = _message(slack, call)
    name = str(call.arguments["name"]).strip(":")
    if not name.replace("_", "").replace("-", "").replace("+", "").replace(":", "").replace("'", "").isalnum():
        raise ApiError("invalid_name")
    if call.by.bot.id in message.reactions.get(name, ()):
        raise ApiError("already_reacted")
    if name not in message.reactions and len(message.reactions) >= MOST_EMOJI:
        raise ApiError("too_many_emoji")
    react(slack, call.by.bot.id, channel, message, name)
    return {}


def remove(slack: Platform, call: Call) -> Json:
    channel, message = _message(slack, call)
    name = str(call.arguments["name"]).strip(":")
    if call.by.bot.id not in message.reactions.get(name, ()):
        raise ApiError("no_reaction")
    unreact(slack, call.by.bot.id, channel, message, name)
    return {}


def react(slack: Platform, user: str, channel: Channel, message: Message, name: str) -> None:
    """Add a user's or bot's reaction and dispatch its event."""
    message.reactions.setdefault(name, []).append(user)
    slack.dispatch(_event(slack, "reaction_added", user, message, name), channel.team, channel)
    slack.changed()


def unreact(slack: Platform, user: str, channel: Channel, message: Message, name: str) -> None:
    message.reactions[name].remove(user)
    if not message.reactions[name]:
        del message.reactions[name]
    slack.dispatch(_event(slack, "reaction_removed", user, message, name), channel.team, channel)
    slack.changed()


def _event(slack: Platform, kind: str, user: str, message: Message, name: str) -> Json:
    item = {"type": "message", "channel": message.channel, "ts": message.ts}
    event: Json = {"type": kind, "user": user, "reaction": name, "item": item, "item_user": message.user}
    return event | {"event_ts": slack.store.ts()}


def _message(slack: Platform, call: Call) -> tuple[Channel, Message]:
    channel = channel_of(slack, call)
    if channel.archived:
        raise ApiError("is_archived")
    message = slack.store.message(channel.id, str(call.arguments["timestamp"]))
    if message is None:
        raise ApiError("message_not_found")
    return channel, message


REQUIRED = ("channel", "name", "timestamp")
METHODS: Methods = {
    "reactions.add": Method(add, ("reactions:write",), REQUIRED, tier=3),
    "reactions.remove": Method(remove, ("reactions:write",), REQUIRED, tier=2),
}
