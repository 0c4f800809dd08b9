"""Read-only methods: auth.test, users, conversations, workspaces, user groups."""

import base64

from tests.servers.slack.calls import ApiError, Call
from tests.servers.slack.objects import Json, Message
from tests.servers.slack.payloads import channel_payload, history_payload, team_payload, user_payload, usergroup_payload
from tests.servers.slack.platform import Method, Methods, Platform
from tests.servers.slack.requests import SCOPE_OF_KIND, need, readable_channel

MOST_ITEMS = 1000


def auth_test(slack: Platform, call: Call) -> Json:
    team, bot = slack.store.teams[call.by.team], call.by.bot
    shape: Json = {"url": f"https://{team.domain}.slack.com/", "team": team.name, "user": bot.name}
    shape |= {"team_id": team.id, "user_id": bot.id, "bot_id": bot.bot_id, "is_enterprise_install": False}
    return shape


def users_info(slack: Platform, call: Call) -> Json:
    user = slack.store.users.get(str(call.arguments["user"]))
    if user is None or user.team != call.by.team:
        raise ApiError("user_not_found")
    return {"user": user_payload(user)}


def users_list(slack: Platform, call: Call) -> Json:
    members = [user_payload(user) for user in slack.store.users.values() if user.team == call.by.team]
    return {"members": members, "cache_ts": 1, "response_metadata": {"next_cursor": ""}}


def bots_info(slack: Platform, call: Call) -> Json:
    wanted = call.arguments.get("bot")
    user = next((u for u in slack.store.users.values() if u.bot_id and u.bot_id == wanted), None)
    if user is None:
        raise ApiError("bot_not_found")
    bot = {"id": user.bot_id, "deleted": user.deleted, "name": user.name, "user_id": user.id, "app_id": ""}
    return {"bot": bot | {"updated": 1, "icons": {}}}


def team_info(slack: Platform, call: Call) -> Json:
    team = slack.store.teams.get(str(call.arguments.get("team") or call.by.team))
    if team is None or team.id != call.by.team:
        raise ApiError("team_not_found")
    return {"team": team_payload(team)}


def usergroups_list(slack: Platform, call: Call) -> Json:
    groups = [usergroup_payload(group) for group in slack.store.usergroups.values() if group.team == call.by.team]
    if not call.arguments.get("include_users"):
        groups = [{name: value for name, value in group.items() if name != "users"} for group in groups]
    return {"usergroups": groups}


def usergroups_users_list(slack: Platform, call: Call) -> Json:
    group = slack.store.usergroups.get(str(call.arguments["usergroup"]))
    if group is None or group.team != call.by.team:
        raise ApiError("no_such_subteam")
    return {"users": list(group.users)}


def conversations_info(slack: Platform, call: Call) -> Json:
    channel = readable_channel(slack, call, "read")
    shape = channel_payload(channel, call.by.bot.id)
    if call.arguments.get("include_num_members") in (True, "1", "true"):
        shape["num_members"] = len(channel.members)
    return {"channel": shape}


def conversations_list(slack: Platform, call: Call) -> Json:
    kinds = str(call.arguments.get("types", "public_channel")).split(",")
    wanted = {{"public_channel": "channel", "private_channel": "group"}.get(kind, kind) for kind in kinds}
    channels = [c for c in slack.store.channels.values() if c.team == call.by.team and c.kind in wanted]
    for kind in wanted:
        need(call.by, f"{ {'channel': 'channels', 'group': 'groups'}.get(kind, kind) }:read")
    seen = [c for c in channels if not c.is_private or call.by.bot.id in c.members]
    shapes = [channel_payload(channel, call.by.bot.id) for channel in seen]
    return {"channels": shapes, "response_metadata": {"next_cursor": ""}}


def conversations_members(slack: Platform, call: Call) -> Json:
    channel = readable_channel(slack, call, "read")
    return {"members": sorted(channel.members), "response_metadata": {"next_cursor": ""}}


def conversations_open(slack: Platform, call: Call) -> Json:
    if call.arguments.get("channel"):
        channel = readable_channel(slack, call, "write")
        if channel.kind not in ("im", "mpim"):
            raise ApiError("method_not_supported_for_channel_type")
    else:
        users = [name for name in str(call.arguments.get("users") or "").split(",") if name]
        if not users:
            raise ApiError("users_list_not_supplied")
        need(call.by, f"{SCOPE_OF_KIND['im' if len(users) == 1 else 'mpim']}:write")
        if strangers := [name for name in users if name not in slack.store.users]:
            raise ApiError("user_not_found", *strangers)
        if len(users) > 8:
            raise ApiError("too_many_users")
        channel = slack.store.direct((*users, call.by.bot.id), call.by.team)
    shape = channel_payload(channel, call.by.bot.id) if call.arguments.get("return_im") else {"id": channel.id}
    return {"no_op": False, "already_open": False, "channel": shape}


def conversations_replies(slack: Platform, call: Call) -> Json:
    """Return a thread, oldest first. As in Slack, every page includes the root."""
    channel = readable_channel(slack, call, "history")
    named = slack.store.message(channel.id, str(call.arguments["ts"]))
    if named is None:
        raise ApiError("thread_not_found")
    root, *replies = slack.store.thread(channel.id, named.root) or [named]
    page, more = _page(call, replies)
    return _history(slack, call, [root, *page], more)


def conversations_history(slack: Platform, call: Call) -> Json:
    """Return a channel's messages without replies, newest first."""
    channel = readable_channel(slack, call, "history")
    said = [m for m in slack.store.said(channel.id) if not m.is_reply or m.options.get("reply_broadcast")]
    page, more = _page(call, said[::-1])
    return _history(slack, call, page, more)


def _page(call: Call, messages: list[Message]) -> tuple[list[Message], int | None]:
    """Return the requested page and the start of the next one, if any."""
    given = call.arguments
    oldest, latest = str(given.get("oldest") or "0"), str(given.get("latest") or "9999999999")
    inclusive = bool(given.get("inclusive"))
    inside = [m for m in messages if oldest < m.ts < latest or (inclusive and m.ts in (oldest, latest))]
    try:
        limit = min(int(given.get("limit") or 100), MOST_ITEMS)
        start = int(base64.b64decode(str(given.get("cursor") or ""), validate=True) or 0)
    except ValueError:
        raise ApiError("invalid_cursor" if given.get("cursor") else "invalid_limit") from None
    end = start + max(1, limit)
    return inside[start:end], end if end < len(inside) else None


def _history(slack: Platform, call: Call, messages: list[Message], more: int | None) -> Json:
    metadata = bool(call.arguments.get("include_all_metadata"))
    shapes = [history_payload(slack.store, message, metadata=metadata) for message in messages]
    answer: Json = {"messages": shapes, "has_more": more is not None}
    if more is not None:
        answer["response_metadata"] = {"next_cursor": base64.b64encode(str(more).encode()).decode()}
    return answer


METHODS: Methods = {
    "auth.test": Method(auth_test, tier=0),
    "users.info": Method(users_info, ("users:read",), ("user",), tier=4),
    "users.list": Method(users_list, ("users:read",), tier=2),
    "bots.info": Method(bots_info, ("users:read",), tier=3),
    "team.info": Method(team_info, ("team:read",), tier=3),
    "usergroups.list": Method(usergroups_list, ("usergroups:read",), tier=2),
    "usergroups.users.list": Method(usergroups_users_list, ("usergroups:read",), ("usergroup",), tier=2),
    "conversations.info": Method(conversations_info, required=("channel",), tier=3),
    "conversations.list": Method(conversations_list, tier=2),
    "conversations.members": Method(conversations_members, required=("channel",), tier=4),
    "conversations.open": Method(conversations_open, tier=3),
    "conversations.history": Method(conversations_history, required=("channel",), tier=3),
    "conversations.replies": Method(conversations_replies, required=("channel", "ts"), tier=3),
}
