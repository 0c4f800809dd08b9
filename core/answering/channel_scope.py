"""The scope of each channel: which sources may answer there, and with which persona.

A source that a channel names belongs to the channels that name it and is hidden elsewhere, unless it is `shared`. So a
confidential source does not leak because an operator forgot to exclude it from every other channel.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from core.domain import Conversation, Scope

Mode = Literal["mention", "every-question"]


@dataclass(frozen=True, slots=True)
class Channel:
    """Settings of one channel. Without `sources` it has the default scope."""

    platform: str
    id: str
    sources: frozenset[str] | None = None
    persona: str = ""
    mode: Mode = "mention"
    notes_unanswered: bool = False


class Channels:
    """The configured channels and the default scope of all others.

    `sources` names all sources; `shared` names those that stay visible everywhere although a channel names them.
    """

    def __init__(self, channels: Sequence[Channel], sources: Iterable[str], shared: Iterable[str] = ()) -> None:
        self._channels = {(channel.platform, channel.id): channel for channel in channels}
        restricted = {name for channel in channels for name in channel.sources or ()} - set(shared)
        self._default = Scope(frozenset(set(sources) - restricted) if restricted else None)

    def scope(self, conversation: Conversation | None) -> Scope:
        channel = self._find(conversation)
        if channel is None:
            return self._default
        sources = self._default.sources if channel.sources is None else channel.sources
        return Scope(sources, channel.persona, channel.notes_unanswered)

    def answers_every_question(self, conversation: Conversation) -> bool:
        """Return whether the bot answers there without being mentioned."""
        channel = self._find(conversation)
        return channel is not None and channel.mode == "every-question"

    def any_answers_every_question(self, platform: str) -> bool:
        """Return whether the bot needs to read messages on a platform that do not mention it."""
        return any(
            channel.platform == platform and channel.mode == "every-question" for channel in self._channels.values()
        )

    def _find(self, conversation: Conversation | None) -> Channel | None:
        return self._channels.get((conversation.platform, conversation.channel)) if conversation else None
