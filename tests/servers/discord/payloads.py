"""Discord's objects as JSON."""

from datetime import UTC, datetime

from tests.servers.discord.objects import Application, Channel, Guild, Json, Kind, Member, Message, Role, User

ATTACHMENT_LIMIT = 10 * 1024 * 1024


def stamp(at: datetime | float) -> str:
    """Return ISO 8601 in UTC with microseconds, from a datetime or Unix time."""
    at = at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
    return at.isoformat(timespec="microseconds")


def user_json(user: User) -> Json:
    data = {"id": str(user.id), "username": user.name, "discriminator": "0", "global_name": user.name.title(),
            "avatar": None, "avatar_decoration_data": None, "public_flags": 0}  # fmt: skip
    return data | ({"bot": True} if user.bot else {})


def member_json(member: Member, *, permissions: int | None = None, user: bool = True) -> Json:
    """Return a member, with `permissions` for interactions, without `user` for messages."""
    data: Json = {"roles": [str(role.id) for role in member.roles], "nick": member.nick, "avatar": None,
                  "joined_at": stamp(member.joined), "premium_since": None, "pending": False, "flags": 0,
                  "communication_disabled_until": None, "deaf": False, "mute": False}  # fmt: skip
    data |= {"user": user_json(member.user)} if user else {}
    return data | ({} if permissions is None else {"permissions": str(permissions)})


def role_json(role: Role) -> Json:
    return {"id": str(role.id), "name": role.name, "color": 0, "hoist": False, "icon": None, "unicode_emoji": None,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None}, "flags": 0,
            "position": role.position, "permissions": str(role.permissions), "managed": bool(role.of_bot),
            "mentionable": role.mentionable,
            **({"tags": {"bot_id": str(role.of_bot)}} if role.of_bot else {})}  # fmt: skip


def channel_json(channel: Channel) -> Json:
    last = next(reversed(channel.messages), None)
    data: Json = {"id": str(channel.id), "type": int(channel.kind), "flags": 0,
                  "last_message_id": None if last is None else str(last)}  # fmt: skip
    if channel.is_direct:
        return data | {"recipients": [user_json(user) for user in channel.recipients]}
    if channel.guild is None:
        return data
    data |= {"guild_id": str(channel.guild.id), "name": channel.name, "rate_limit_per_user": 0, "nsfw": False,
             "parent_id": None if channel.parent is None else str(channel.parent.id)}  # fmt: skip
    return data | (_thread_part(channel) if channel.is_thread else _guild_channel_part(channel))


def _guild_channel_part(channel: Channel) -> Json:
    overwrites = [{"id": str(target), "type": 0 if channel.guild and target in channel.guild.roles else 1,
                   "allow": str(allow), "deny": str(deny)}
                  for target, (allow, deny) in channel.overwrites.items()]  # fmt: skip
    data: Json = {"position": 0, "topic": channel.topic, "permission_overwrites": overwrites}
    if channel.kind == Kind.FORUM:
        data |= {"available_tags": channel.tags, "default_reaction_emoji": None, "default_sort_order": None,
                 "default_forum_layout": 0, "template": ""}  # fmt: skip
    return data


def _thread_part(thread: Channel) -> Json:
    created = stamp(((thread.id >> 22) + 1_420_070_400_000) / 1000)
    metadata = {"archived": thread.archived, "auto_archive_duration": thread.archive_minutes, "locked": thread.locked,
                "archive_timestamp": created, "create_timestamp": created, "invitable": True}  # fmt: skip
    said = len([message for message in thread.said if message is not thread.starter])
    return {"owner_id": str(thread.owner.id) if thread.owner else "0", "thread_metadata": metadata,
            "message_count": said, "total_message_sent": said, "member_count": len(thread.joined),
            "applied_tags": thread.applied_tags}  # fmt: skip


def thread_member_json(thread: Channel, user: User) -> Json:
    created = stamp(((thread.id >> 22) + 1_420_070_400_000) / 1000)
    return {"id": str(thread.id), "user_id": str(user.id), "join_timestamp": created, "flags": 1}


def thread_json(thread: Channel, seen_by: User) -> Json:
    """Return a thread, with the membership of the given user if they joined."""
    joined = {"member": thread_member_json(thread, seen_by)} if seen_by in thread.joined else {}
    return channel_json(thread) | joined


def partial_channel_json(channel: Channel, permissions: int) -> Json:
    """Return a channel as in interactions."""
    data = channel_json(channel)
    return data if channel.is_direct else data | {"permissions": str(permissions)}


def guild_json(guild: Guild) -> Json:
    """Return a guild as in REST responses."""
    return {"id": str(guild.id), "name": guild.name, "owner_id": str(guild.owner.id), "icon": None, "splash": None,
            "discovery_splash": None, "banner": None, "description": None, "features": [], "emojis": [], "stickers": [],
            "roles": [role_json(role) for role in guild.roles.values()], "afk_channel_id": None, "afk_timeout": 300,
            "system_channel_id": None, "system_channel_flags": 0, "rules_channel_id": None, "mfa_level": 0,
            "public_updates_channel_id": None, "verification_level": 0, "default_message_notifications": 1,
            "explicit_content_filter": 0, "vanity_url_code": None, "premium_tier": 0, "premium_subscription_count": 0,
            "preferred_locale": guild.locale, "nsfw_level": 0, "nsfw": False, "application_id": None,
            "premium_progress_bar_enabled": False, "safety_alerts_channel_id": None, "max_members": 500_000,
            "widget_enabled": False, "widget_channel_id": None, "max_video_channel_users": 25}  # fmt: skip


def application_json(application: Application, bot: User, guilds: int) -> Json:
    params = {"scopes": list(application.install_scopes), "permissions": str(application.install_permissions)}
    installs = {"0": {"oauth2_install_params": params}} if application.for_guilds else {}
    installs |= {"1": {"oauth2_install_params": {"scopes": ["applications.commands"], "permissions": "0"}}} \
        if application.for_users else {}  # fmt: skip
    return {"id": str(application.id), "name": application.name, "icon": None, "description": "", "summary": "",
            "type": None, "bot": user_json(bot), "bot_public": application.public, "bot_require_code_grant": False,
            "verify_key": "00" * 32, "owner": user_json(application.owner), "team": None, "flags": application.flags,
            "hook": True, "install_params": params, "integration_types_config": installs, "redirect_uris": [],
            "interactions_endpoint_url": None, "role_connections_verification_url": None, "tags": [],
            "approximate_guild_count": guilds, "custom_install_url": None,
            "approximate_user_install_count": len(application.installed_by)}  # fmt: skip


def message_json(message: Message, *, deep: bool = True) -> Json:
    """Return a message as in REST and gateway; `deep` includes the referenced message."""
    author = user_json(message.author)
    if message.webhook_name is not None:
        author = {"id": str(message.author.id), "username": message.webhook_name, "discriminator": "0000",
                  "avatar": None, "bot": True}  # fmt: skip
    data: Json = {"id": str(message.id), "channel_id": str(message.channel.id), "author": author, "tts": False,
                  "content": message.content, "timestamp": stamp(message.sent), "type": message.type,
                  "edited_timestamp": stamp(message.edited) if message.edited else None, "pinned": False,
                  "mention_everyone": message.mentions.everyone, "flags": message.flags, "embeds": message.embeds,
                  "mentions": [user_json(user) for user in message.mentions.users],
                  "mention_roles": [str(role.id) for role in message.mentions.roles],
                  "attachments": message.attachments, "components": message.components}  # fmt: skip
    return data | _origin(message) | _answered(message, deep) | _attached(message)


def _origin(message: Message) -> Json:
    data: Json = {} if message.nonce is None else {"nonce": message.nonce}
    if message.interaction is not None:
        data |= {"interaction_metadata": message.interaction, "application_id": str(message.author.id),
                 "webhook_id": str(message.author.id)}  # fmt: skip
        if "name" in message.interaction:
            # Deprecated but still sent.
            data |= {"interaction": {name: message.interaction[name] for name in ("id", "type", "name", "user")}}
    return data | ({"webhook_id": str(message.author.id)} if message.webhook_name is not None else {})


def _answered(message: Message, deep: bool) -> Json:
    source = message.reply_to
    if source is None:
        return {}
    reference: Json = {"type": 0, "message_id": str(source.id), "channel_id": str(source.channel.id)}
    reference |= {"guild_id": str(source.guild.id)} if source.guild else {}
    shown = None if source.deleted else message_json(source, deep=False)
    return {"message_reference": reference} | ({"referenced_message": shown} if deep else {})


def _attached(message: Message) -> Json:
    data: Json = {"thread": channel_json(message.thread)} if message.thread and not message.thread.deleted else {}
    reactions = [{"count": len(users), "me": any(user.bot for user in users), "me_burst": False, "burst_colors": [],
                  "count_details": {"burst": 0, "normal": len(users)}, "emoji": {"id": None, "name": emoji}}
                 for emoji, users in message.reactions.items() if users]  # fmt: skip
    return data | ({"reactions": reactions} if reactions else {})
