"""How often what grows may be written: about once a second for an answer, and all answers in a channel together no
oftener than Discord takes edits there."""

import asyncio
from datetime import timedelta
from weakref import WeakValueDictionary

from adapters.discord.message_sender import MessageSender

GROWS_EVERY = timedelta(seconds=1)
CHANNEL_TAKES_EVERY = timedelta(seconds=1.25)
"""Discord takes some five edits in five seconds in one channel. One of these stays free for an answer that ends."""


class ChannelRateLimit:
    """One channel's turns, in the order in which they are asked for."""

    def __init__(self, every: timedelta) -> None:
        self._every = every.total_seconds()
        self._next = 0.0

    async def wait(self) -> None:
        """Returns when it is this writer's turn."""
        wait = self.take()
        if wait > 0:
            await asyncio.sleep(wait)

    def take(self) -> float:
        """Takes a turn; whoever cannot wait for it (these seconds) makes all others wait longer."""
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next)
        self._next = turn + self._every
        return turn - now


class ChannelRateLimits:
    """The budgets of the channels in which something is being written."""

    def __init__(self, every: timedelta = CHANNEL_TAKES_EVERY) -> None:
        self._every = every
        self._channels: WeakValueDictionary[str, ChannelRateLimit] = WeakValueDictionary()

    def of(self, channel: str) -> ChannelRateLimit:
        budget = self._channels.get(channel)
        if budget is None:
            budget = self._channels[channel] = ChannelRateLimit(self._every)
        return budget


class SharedPace:
    """A pause of one answer: the first words come at once. Edits by an interaction's token have a limit of their own,
    so they take no turn of the channel."""

    def __init__(self, outlet: MessageSender, budget: ChannelRateLimit, every: timedelta = GROWS_EVERY) -> None:
        self._outlet = outlet
        self._budget = budget
        self._every = every.total_seconds()
        self._next: float | None = None

    async def __call__(self) -> None:
        loop = asyncio.get_running_loop()
        if self._next is not None:
            await asyncio.sleep(max(0.0, self._next - loop.time()))
        if not self._outlet.by_token:
            if self._next is None:
                self._budget.take()
            else:
                await self._budget.wait()
        self._next = loop.time() + self._every
