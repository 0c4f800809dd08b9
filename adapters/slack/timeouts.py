"""How long things take on Slack, in one place, so that tests need not wait for them."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Timeouts:
    """`streams_for`: Slack ends a stream after some five minutes; before that the answer goes on in the next message.

    The socket is pinged every `ping_every`, and looked at every `look_every`; what the SDK does not mend `within` is
    opened anew.
    """

    streams_for: timedelta = timedelta(minutes=4)
    ping_every: timedelta = timedelta(seconds=5)
    look_every: timedelta = timedelta(seconds=5)
    within: timedelta = timedelta(seconds=30)


USUAL = Timeouts()
