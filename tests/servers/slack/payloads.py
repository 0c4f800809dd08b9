"""Slack's objects as JSON."""

from collections.abc import Iterable

from tests.servers.slack.objects import Channel, Json, Message, Store, Team, User, UserGroup

LOOKS = ("username", "icons", "parse", "mrkdwn")


def user_payload(user: User) -> Json:
    profile = {
        "real_name": user.real_name,
        "real_name_normalized": user.real_name,
        "display_name": user.name,
        "display_name_normalized": user.name,
        "team": user.team,
    }
    return {
        "id": user.id,
        "team_id": user.team,
        "name": user.name,
        "deleted": user.deleted,
        "real_name": user.real_name,
        "locale": user.locale,
        "tz": user.tz,
        "tz_label": user.tz,
        "tz_offset": user.tz_offset,
        "profile": profile | ({"bot_id": user.bot_id, "api_app_id": ""} if user.bot_id else {}),
        "is_admin": user.is_admin or user.is_owner,
        "is_owner": user.is_owner,
        "is_primary_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": 1,
    }


def team_payload(team: Team) -> Json:
    return {"id": team.id, "name": team.name, "domain": team.domain, "email_domain": "", "icon": {}}


def channel_payload(channel: Channel, reader: str) -> Json:
    """Return the channel as the user with that id sees it."""
    shape: Json = {
        "id": channel.id,
        "created": 1,
        "is_archived": channel.archived,
        "is_im": channel.kind == "im",
        "is_org_shared": False,
        "context_team_id": channel.team,
    }
    if channel.kind == "im":
        other = sorted(channel.members - {reader})
        return shape | {"user": other[0] if other else reader, "is_user_deleted": False, "priority": 0}
    return shape | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": channel.kind == "channel",
        "is_group": channel.kind == "group",
        "is_mpim": channel.kind == "mpim",
        "is_private": channel.is_private,
        "is_general": False,
        "is_shared": False,
        "is_ext_shared": False,
        "is_member": reader in channel.members,
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }


def usergroup_payload(group: UserGroup) -> Json:
    shape = {"id": group.id, "team_id": group.team, "is_usergroup": True, "handle": group.handle, "name": group.handle}
    return shape | {"users": list(group.users), "user_count": len(group.users), "date_delete": 0}


def message_payload(message: Message, *, metadata: bool = False) -> Json:
    """Return the message without its channel, as events, responses and histories contain it."""
    shape: Json = {"type": "message", "user": message.user, "ts": message.ts, "text": message.text}
    optional: Json = {
        "subtype": message.subtype,
        "client_msg_id": message.client_msg_id,
        "bot_id": message.bot_id,
        "app_id": message.app_id,
        "team": message.team,
        "thread_ts": message.thread_ts,
        "blocks": message.blocks,
        "attachments": message.attachments,
        "edited": message.edited,
        "streaming_state": message.streamed and ("in_progress" if message.streaming else "completed"),
        "metadata": message.metadata if metadata else None,
    }
    shape |= {name: value for name, value in optional.items() if value}
    if message.bot_id and message.app_id:
        shape["bot_profile"] = {
            "id": message.bot_id,
            "app_id": message.app_id,
            "deleted": False,
            "team_id": message.team,
        }
    if message.subtype == "bot_message":
        del shape["user"]
    if message.reactions:
        reactions = message.reactions.items()
        shape["reactions"] = [{"name": name, "users": users, "count": len(users)} for name, users in reactions]
    return shape | {name: message.options[name] for name in LOOKS if name in message.options}


def history_payload(store: Store, message: Message, *, metadata: bool = False) -> Json:
    """Return the message as in a history: a root with its reply count, a reply with its root's author."""
    shape = message_payload(message, metadata=metadata)
    replies = [m for m in store.thread(message.channel, message.ts) if m is not message]
    if message.is_reply and message.thread_ts:
        root = store.message(message.channel, message.thread_ts)
        return shape | {"parent_user_id": root.user if root else None}
    if not replies:
        return shape
    people = list(dict.fromkeys(m.user for m in replies))
    counts = {"reply_count": len(replies), "reply_users_count": len(people), "reply_users": people[:5]}
    return shape | {"thread_ts": message.ts, "latest_reply": replies[-1].ts, "is_locked": False} | counts


def scopes_header(scopes: Iterable[str]) -> str:
    return ",".join(sorted(scopes))
