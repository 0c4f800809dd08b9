"""At-least-once delivery of events, commands and clicks to the app, with a deadline per attempt."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from tests.servers.slack.objects import Json
from tests.servers.slack.platform import Platform

Kind = Literal["events_api", "slash_commands", "interactive"]


@dataclass(slots=True, eq=False)
class Attempt:
    """One attempt of a delivery. Times are monotonic seconds; `connection` is the socket's number, counted from 1.

    `number` is 0 for the first attempt; `reason` is the failure that caused this retry. `response` is the payload of
    the acknowledgement. `final` means that the app asked for no retry.
    """

    number: int
    reason: str
    sent_at: float
    connection: int | None = None
    acknowledged_at: float | None = None
    response: Any = None
    status: int | None = None
    failure: str | None = None
    final: bool = False
    done: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def took(self) -> float | None:
        """Return the seconds until the acknowledgement."""
        return None if self.acknowledged_at is None else self.acknowledged_at - self.sent_at

    def acknowledge(self, at: float, response: Any) -> None:
        self.acknowledged_at, self.response = at, response
        self.done.set()


@dataclass(slots=True, eq=False)
class Delivery:
    """An event, command or click on its way to the app. `finished` is set after the last attempt."""

    kind: Kind
    payload: Json
    accepts_response: bool = False
    attempts: list[Attempt] = field(default_factory=list)
    finished: bool = False

    @property
    def event(self) -> Json:
        """Return the inner event, or {} for commands and clicks."""
        return dict(self.payload.get("event", {}))

    @property
    def what(self) -> str:
        """Return the event type, interaction type or command, such as `app_mention`, `block_actions`, `/ask`."""
        return str(self.event.get("type") or self.payload.get("command") or self.payload.get("type"))

    @property
    def acknowledged(self) -> bool:
        """Return whether any attempt was acknowledged in time."""
        return any(attempt.acknowledged_at and not attempt.failure for attempt in self.attempts)

    @property
    def response(self) -> Any:
        """Return the payload of the app's acknowledgement."""
        return next((attempt.response for attempt in self.attempts if attempt.acknowledged_at), None)


class Carrier(Protocol):
    """A transport of attempts to the app: WebSocket or HTTP."""

    async def carry(self, delivery: Delivery, attempt: Attempt) -> None:
        """Return once the attempt is acknowledged or `failure` is set."""
        ...


# Faults for the next deliveries.


class Twice:
    """Deliver twice at once, each as a first attempt."""


class Lost:
    """Never deliver."""


@dataclass(frozen=True, slots=True)
class Late:
    """Deliver after so many seconds; later deliveries may arrive first."""

    seconds: float


class Normal:
    """Deliver normally, so that a later delivery gets the next fault."""


Mishap = Twice | Lost | Late | Normal


class Deliveries:
    """All deliveries to the app, in order of creation."""

    def __init__(self, slack: Platform) -> None:
        self.all: list[Delivery] = []
        self._slack = slack
        self._mishaps: deque[Mishap] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def enqueue(self, *mishaps: Mishap) -> None:
        self._mishaps.extend(mishaps)

    def of(self, what: str) -> list[Delivery]:
        """Return the deliveries of an event type, interaction type or command (see `Delivery.what`)."""
        return [delivery for delivery in self.all if delivery.what == what]

    def send(self, delivery: Delivery, carrier: Carrier, then: Callable[[Delivery], None] | None = None) -> Delivery:
        """Deliver in the background, then call `then`."""
        self.all.append(delivery)
        mishap = self._mishaps.popleft() if self._mishaps else Normal()
        for _ in range(2 if isinstance(mishap, Twice) else 1):
            task = asyncio.create_task(self._deliver(delivery, carrier, mishap, then))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return delivery

    async def _deliver(self, delivery: Delivery, carrier: Carrier, mishap: Mishap,
                       then: Callable[[Delivery], None] | None) -> None:  # fmt: skip
        if isinstance(mishap, Late):
            await asyncio.sleep(mishap.seconds)
        if not isinstance(mishap, Lost):
            await self._attempt(delivery, carrier)
        delivery.finished = True
        if then:
            then(delivery)
        self._slack.changed()

    async def _attempt(self, delivery: Delivery, carrier: Carrier) -> None:
        """Try until acknowledged. Slack retries only events."""
        delays = self._slack.rules.retry_delays if delivery.kind == "events_api" else ()
        reason = ""
        for number in range(1 + len(delays)):
            if number:
                await asyncio.sleep(delays[number - 1])
            attempt = Attempt(number, reason, self._slack.now)
            delivery.attempts.append(attempt)
            await carrier.carry(delivery, attempt)
            self._slack.changed()
            if not attempt.failure or attempt.final:
                return
            reason = attempt.failure

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
