"""That the bot is at work is shown beside the answer, and never instead of it."""

from datetime import timedelta

import pytest

from adapters.slack import answer_writer
from tests.adapters.slack.harness import Room
from tests.servers.loopback import Slow
from tests.servers.slack import RateLimited


@pytest.mark.parametrize("trouble", [RateLimited(60), Slow(60)], ids=["429", "slow"])
async def test_nobody_waits_for_a_status(
    room: Room, monkeypatch: pytest.MonkeyPatch, trouble: RateLimited | Slow
) -> None:
    """And should it come to stand there late, it is taken away."""
    monkeypatch.setattr(answer_writer, "STATUS_TIMEOUT", timedelta(seconds=0.3))
    room.slack.enqueue("assistant.threads.setStatus", trouble)
    asked = room.ask("What do bees eat in winter?")
    await room.answer(asked)
    await room.settled()
    assert room.slack.called("assistant.threads.setStatus")[-1].arguments["status"] == ""
