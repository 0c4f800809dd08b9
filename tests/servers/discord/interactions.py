"""An interaction: the user's action, the bot's responses and their times."""

import secrets
import time
from dataclasses import dataclass, field
from enum import IntEnum

from tests.servers.discord.objects import Channel, Json, Message, User


class InteractionType(IntEnum):
    """Types of interactions."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


class Callback(IntEnum):
    """Types of first responses."""

    MESSAGE = 4
    DEFERRED = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


@dataclass(eq=False)
class Interaction:
    """`created` and `responded` are monotonic times. `owners` are the installations that authorized it.

    `message` is the one with the used component; `original` is the first response, or that message if the response
    updates it. `payload` is the gateway event.
    """

    id: int
    type: InteractionType
    user: User
    channel: Channel
    data: Json
    owners: dict[str, str]
    message: Message | None = None
    opener: "Interaction | None" = None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(96))
    created: float = field(default_factory=time.monotonic)
    responded: float | None = None
    callback: Callback | None = None
    original: Message | None = None
    follow_ups: list[Message] = field(default_factory=list)
    choices: list[Json] | None = None
    modal: Json | None = None
    payload: Json = field(default_factory=dict)

    @property
    def latency(self) -> float | None:
        """Return the seconds until the first response, or None before it."""
        return None if self.responded is None else self.responded - self.created

    @property
    def age(self) -> float:
        return time.monotonic() - self.created

    @property
    def ephemeral(self) -> bool:
        return self.original is not None and self.original.ephemeral

    @property
    def done(self) -> bool:
        """Return whether there is a response that is not a pending deferral."""
        return self.original is not None and not self.original.loading

    @property
    def messages(self) -> list[Message]:
        """Return the original response and the follow-ups."""
        return ([self.original] if self.original else []) + self.follow_ups

    @property
    def by_user_install(self) -> bool:
        """Return whether only a user installation authorized it."""
        return set(self.owners) == {"1"}

    @property
    def name(self) -> str:
        """Return the command's name with its subcommands, or the custom id of the component or modal."""
        if "custom_id" in self.data:
            return str(self.data["custom_id"])
        names, options = [str(self.data["name"])], self.data.get("options") or []
        while options and options[0]["type"] in (1, 2):
            names.append(options[0]["name"])
            options = options[0].get("options") or []
        return " ".join(names)
