"""An asker that keeps each channel to what it may be answered from.

A source that some channel names is for the channels that name it: it shows nowhere else, unless it is `shared`. So what
is meant for a few does not come out in front of all because somebody forgot to say so twice.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Literal

from core.answerer import Answerer, AnswerEvent
from core.domain import Conversation, Question, Scope

Mode = Literal["mention", "every-question"]


@dataclass(frozen=True, slots=True)
class Channel:
    """What an operator has decided for one channel. No `sources` means: as anywhere else."""

    platform: str
    id: str
    sources: frozenset[str] | None = None
    persona: str = ""
    mode: Mode = "mention"


class Channels:
    """The channels that are set up, and the scope of all others. `sources` are the names of all that is read, `shared`
    of those that show everywhere although a channel names them."""

    def __init__(self, channels: Sequence[Channel], sources: Iterable[str], shared: Iterable[str] = ()) -> None:
        self._channels = {(channel.platform, channel.id): channel for channel in channels}
        kept = {name for channel in channels for name in channel.sources or ()} - set(shared)
        self._elsewhere = Scope(frozenset(set(sources) - kept) if kept else None)

    def scope(self, place: Conversation | None) -> Scope:
        """What a conversation may be answered from."""
        channel = self._of(place)
        if channel is None:
            return self._elsewhere
        sources = self._elsewhere.sources if channel.sources is None else channel.sources
        return Scope(sources, channel.persona)

    def answers_every_question(self, place: Conversation) -> bool:
        """Whether the bot answers there without being mentioned."""
        channel = self._of(place)
        return channel is not None and channel.mode == "every-question"

    def any_answers_every_question(self, platform: str) -> bool:
        """Whether the bot has to be able to read, on a platform, what is not written to it."""
        return any(
            channel.platform == platform and channel.mode == "every-question" for channel in self._channels.values()
        )

    def _of(self, place: Conversation | None) -> Channel | None:
        return self._channels.get((place.platform, place.channel)) if place else None


class ScopedAnswerer:
    """Gives each question the scope of its channel. One that brings a scope along keeps it."""

    def __init__(self, asker: Answerer, channels: Channels) -> None:
        self._asker = asker
        self._channels = channels

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        if question.scope is None:
            question = replace(question, scope=self._channels.scope(question.conversation))
        async with aclosing(self._asker.ask(question)) as events:
            async for event in events:
                yield event
