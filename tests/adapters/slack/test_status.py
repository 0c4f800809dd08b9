"""The status during an answer: a failing status does not delay the answer."""

from datetime import timedelta

import pytest

from adapters.slack import status
from tests.adapters.slack.harness import Room, read
from tests.servers.loopback import Slow
from tests.servers.openai import Text
from tests.servers.slack import Error, RateLimited


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


async def test_steps_are_shown_while_the_model_works_and_completed_with_the_answer(room: Room) -> None:
    room.model.enqueue(Text("Bees live on honey [1].", tokens_per_second=10))
    asked = room.ask("What do bees eat in winter?")
    [message] = await room.until(lambda: room.own(asked))
    assert [(task["title"], task["status"]) for task in message.chunks[:2]] == [
        ("Searched the posts", "complete"),
        ("Answering from 5 posts", "in_progress"),
    ]
    await room.answer(asked)
    tasks = {chunk["id"]: chunk["status"] for chunk in message.chunks if chunk["type"] == "task_update"}
    assert tasks == {"step0": "complete", "step1": "complete"}
    assert read(message).startswith("Bees live on honey")
    assert room.own(asked) == [message]


async def test_a_workspace_without_steps_streams_text_alone(room: Room) -> None:
    room.slack.enqueue("chat.startStream", Error("invalid_chunks"))
    for _ in range(2):
        answer = await room.answer(room.ask("What do bees eat in winter?"))
        assert answer.streamed
        assert not answer.chunks
    assert len(room.slack.called("chat.startStream")) == 3
