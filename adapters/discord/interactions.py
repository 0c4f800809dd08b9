"""What people do with the bot's commands, buttons and forms, and the first response to it, which Discord wants within
three seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from time import time
from typing import Any

import aiohttp
import discord
import structlog

from adapters.discord.messages import AGAIN
from adapters.discord.reply_target import ReplyTarget
from core.domain import Person

log = structlog.get_logger()

LATE = 10062
TAKEN = 40060


@dataclass(frozen=True, slots=True)
class UserInteraction:
    """A command that somebody has used, a button that they pressed, a form that they sent. Plain JSON.

    `subject` is what it is about: a question's text, or its id. `message` is the one that has the button, and `version`
    when that was last written.
    """

    id: str
    act: str
    place: ReplyTarget
    user_name: str = ""
    admin: bool = False
    subject: str = ""
    message: str = ""
    version: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"interaction:{self.id}"

    @property
    def names(self) -> tuple[str, ...]:
        """A second press of the same *try again*, before anything has come of the first, is the same wish."""
        again = (f"again:{self.message}:{self.version}:{self.place.user}",) if self.act == AGAIN else ()
        return (self.name, *again)

    @property
    def person(self) -> Person:
        return Person(self.place.user, self.user_name, self.admin)


def read_payload(document: Mapping[str, Any]) -> UserInteraction:
    """The deed that was written down as JSON."""
    return UserInteraction(**{**document, "place": ReplyTarget(**document["place"])})


async def acknowledge(interaction: discord.Interaction[Any], deed: UserInteraction, thinking: bool) -> UserInteraction:
    """Answers that it was heard, before anything else happens; with `thinking`, Discord shows that the bot is at work.

    The deed comes back with what is known then: which message is to be filled, or that the token is of no use, because
    it was too late. Of several processes that get the same interaction one is the first; for the others it was heard,
    too, and which of them goes on is decided elsewhere.
    """
    place = replace(deed.place, promised=thinking)
    try:
        heard = await interaction.response.defer(ephemeral=place.private, thinking=thinking)
    except discord.InteractionResponded:
        return replace(deed, place=place)
    except discord.HTTPException as error:
        if error.code == LATE:
            log.warning("an interaction came too late", act=deed.act, id=deed.id)
            return replace(deed, place=replace(place, token="", promised=False))
        if error.code != TAKEN:
            log.warning("an interaction could not be acknowledged", act=deed.act, cause=str(error))
        return replace(deed, place=place)
    except (OSError, aiohttp.ClientError, TimeoutError) as error:
        log.warning("an interaction could not be acknowledged", act=deed.act, cause=f"{type(error).__name__}: {error}")
        return replace(deed, place=place)
    if thinking and heard and heard.message_id:
        place = replace(place, original=str(heard.message_id))
    return replace(deed, place=place)


def parse_interaction(
    interaction: discord.Interaction[Any],
    act: str,
    lasts: timedelta,
    admins: frozenset[str] = frozenset(),
    *,
    private: bool = False,
    subject: str = "",
    **options: Any,
) -> UserInteraction:
    """What an interaction asks for. Its token `lasts` that long from now."""
    user, message = interaction.user, interaction.message
    by_rank = interaction.guild_id is not None and interaction.permissions.manage_guild
    return UserInteraction(
        id=str(interaction.id),
        act=act,
        place=_place(interaction, lasts, private or bool(message and message.flags.ephemeral)),
        user_name=user.display_name,
        admin=by_rank or str(user.id) in admins,
        subject=subject,
        message=str(message.id) if message else "",
        version=message.edited_at.isoformat() if message and message.edited_at else "",
        options=options,
    )


def _place(interaction: discord.Interaction[Any], lasts: timedelta, private: bool) -> ReplyTarget:
    channel, message = interaction.channel, interaction.message
    thread = channel if isinstance(channel, discord.Thread) else None
    return ReplyTarget(
        channel=str(interaction.channel_id or ""),
        user=str(interaction.user.id),
        guild=str(interaction.guild_id or ""),
        parent=str(thread.parent_id) if thread else "",
        application=str(interaction.application_id),
        token=interaction.token,
        until=time() + lasts.total_seconds(),
        original=str(message.id) if message else "",
        private=private,
        writable=_writable(interaction, thread is not None),
    )


def _writable(interaction: discord.Interaction[Any], in_thread: bool) -> bool:
    """Whether the bot may post there by itself. Where only a person has brought it along, it may not."""
    if interaction.guild_id is None:
        return interaction.context.dm_channel
    may = interaction.app_permissions
    speak = may.send_messages_in_threads if in_thread else may.send_messages
    return interaction.is_guild_integration() and may.view_channel and speak
