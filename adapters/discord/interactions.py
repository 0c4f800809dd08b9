"""Commands, button presses and forms, parsed from discord.py's interactions, and their first response, which Discord
wants within three seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from time import time
from typing import Annotated, Any

import aiohttp
import discord
import structlog
from pydantic import Field, TypeAdapter

from adapters.discord.message_sender import ReplyTarget
from adapters.discord.messages import AGAIN
from core.domain import Person

log = structlog.get_logger()

UNKNOWN_INTERACTION = 10062
ALREADY_ACKNOWLEDGED = 40060


@dataclass(frozen=True, slots=True)
class UserInteraction:
    """A command, a button press or a sent form. Plain JSON; aliases are the names under which running deployments store
    it.

    `subject` is a question's text or id, or a source's name. `message` is the message with the button, `version`
    when it was last edited, and `by_command` whether it answers a command.
    """

    id: str
    action: Annotated[str, Field(alias="act")]
    target: Annotated[ReplyTarget, Field(alias="place")]
    user_name: str = ""
    admin: bool = False
    subject: str = ""
    message: str = ""
    version: str = ""
    by_command: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    locale: str = ""

    @property
    def name(self) -> str:
        return f"interaction:{self.id}"

    @property
    def names(self) -> tuple[str, ...]:
        """Event names. Repeated presses of the same “Try again” share one until the first has changed the message."""
        again = (f"again:{self.message}:{self.version}:{self.target.user}",) if self.action == AGAIN else ()
        return (self.name, *again)

    @property
    def person(self) -> Person:
        return Person(self.target.user, self.user_name, self.admin)


_STORED = TypeAdapter(UserInteraction)


def read_payload(document: Mapping[str, Any]) -> UserInteraction:
    """Parse what `to_payload` returned."""
    return _STORED.validate_python(document)


def to_payload(interaction: UserInteraction) -> dict[str, Any]:
    """Return the interaction as JSON for an event's body."""
    payload: dict[str, Any] = _STORED.dump_python(interaction, by_alias=True)
    return payload


async def acknowledge(
    received: discord.Interaction[Any], interaction: UserInteraction, thinking: bool
) -> UserInteraction:
    """Send the first response, and return the interaction with what is known afterwards.

    With `thinking`, Discord shows that the bot is at work, in a message that is to be filled. A response that comes too
    late makes the token useless. When several processes receive one interaction, only one can respond; the others
    continue, because the event's claim decides which of them handles it.
    """
    target = replace(interaction.target, deferred=thinking)
    try:
        response = await received.response.defer(ephemeral=target.private, thinking=thinking)
    except discord.InteractionResponded:
        return replace(interaction, target=target)
    except discord.HTTPException as error:
        if error.code == UNKNOWN_INTERACTION:
            log.warning("interaction acknowledged too late", action=interaction.action, id=interaction.id)
            return replace(interaction, target=replace(target, token="", deferred=False))
        if error.code != ALREADY_ACKNOWLEDGED:
            _log_failure(interaction, str(error))
        return replace(interaction, target=target)
    except (OSError, aiohttp.ClientError, TimeoutError) as error:
        _log_failure(interaction, f"{type(error).__name__}: {error}")
        return replace(interaction, target=target)
    if thinking and response and response.message_id:
        target = replace(target, original=str(response.message_id))
    return replace(interaction, target=target)


def _log_failure(interaction: UserInteraction, cause: str) -> None:
    log.warning("interaction acknowledgement failed", action=interaction.action, cause=cause)


def parse_interaction(
    received: discord.Interaction[Any],
    action: str,
    token_lifetime: timedelta,
    admins: frozenset[str] = frozenset(),
    *,
    private: bool = False,
    subject: str = "",
    **options: Any,
) -> UserInteraction:
    """Parse an interaction; its token is used for `token_lifetime` from now."""
    user, message = received.user, received.message
    manages_server = received.guild_id is not None and received.permissions.manage_guild
    return UserInteraction(
        id=str(received.id),
        action=action,
        target=parse_target(received, token_lifetime, private or bool(message and message.flags.ephemeral)),
        user_name=user.display_name,
        admin=manages_server or str(user.id) in admins,
        subject=subject,
        message=str(message.id) if message else "",
        version=message.edited_at.isoformat() if message and message.edited_at else "",
        by_command=bool(message and message.interaction_metadata),
        options=options,
        locale=str(received.locale),
    )


def parse_target(
    received: discord.Interaction[Any], token_lifetime: timedelta = timedelta(), private: bool = False
) -> ReplyTarget:
    """Return where an interaction is answered."""
    channel, message = received.channel, received.message
    thread = channel if isinstance(channel, discord.Thread) else None
    return ReplyTarget(
        channel=str(received.channel_id or ""),
        user=str(received.user.id),
        guild=str(received.guild_id or ""),
        parent=str(thread.parent_id) if thread else "",
        application=str(received.application_id),
        token=received.token,
        token_expires_at=time() + token_lifetime.total_seconds(),
        original=str(message.id) if message else "",
        private=private,
        writable=_writable(received, thread is not None),
    )


def _writable(received: discord.Interaction[Any], in_thread: bool) -> bool:
    """Return whether the bot may post there itself; where only a user has installed it, it may not."""
    if received.guild_id is None:
        return received.context.dm_channel
    permissions = received.app_permissions
    send = permissions.send_messages_in_threads if in_thread else permissions.send_messages
    return received.is_guild_integration() and permissions.view_channel and send
