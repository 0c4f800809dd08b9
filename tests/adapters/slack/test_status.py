"""The status during an answer: a failing status does not delay the answer."""

from datetime import timedelta

import pytest

from adapters.slack import status
from tests.adapters.slack.harness import Room
from tests.servers.loopback import Slow
from tests.servers.slack import RateLimited


@pytest.mark.parametrize("trouble", [RateLimited(60), Slow(60)], ids=["429", "slow"])
async def test_answers_do_not_wait_for_the_status(
    room: Room, monkeypatch: pytest.MonkeyPatch, trouble: RateLimited | Slow
) -> None:
    """A status that arrives late is cleared."""
    monkeypatch.setattr(status, "STATUS_TIMEOUT", timedelta(seconds=0.3))
    room.slack.enqueue("assistant.threads.setStatus", trouble)
    asked = room.ask("What do bees eat in winter?")
    await room.answer(asked)
    await room.settled()
    assert room.slack.called("assistant.threads.setStatus")[-1].arguments["status"] == ""
