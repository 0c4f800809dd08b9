"""The link by which a bot is invited to a server, with the permissions that it needs and no more."""

from urllib.parse import urlencode

import discord

PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    read_message_history=True,  # a reply needs it
)


def invite_link(application: str) -> str:
    """Where whoever manages a server is asked whether the bot may join, and may write where it is asked."""
    scope = "bot applications.commands"
    query = urlencode({"client_id": application, "scope": scope, "permissions": PERMISSIONS.value})
    return f"https://discord.com/oauth2/authorize?{query}"
