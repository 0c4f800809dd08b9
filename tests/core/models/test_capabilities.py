"""What a server refuses or does is learned at the first request, and remembered."""

import pytest

from core.errors import (
    AnswerTooLongError,
)
from core.models.openai_chat import OpenAIChatModel
from tests.core.models.openai_parts import PROMPT, client_of, written
from tests.servers.loopback import Status
from tests.servers.openai import (
    OpenAIServer,
    Text,
)


async def test_refused_temperature_is_left_out_from_then_on() -> None:
    async with OpenAIServer(refuses_temperature=True) as server, client_of(server) as client:
        model = OpenAIChatModel(client, "gpt-5-mini", temperature=0.3)
        assert await written(model)
        asked = len(server.chats)
        assert server.chats[0].params["temperature"] == 0.3
        assert await written(model)
    assert ["temperature" in chat.params for chat in server.chats[asked - 1 :]] == [False, False]
    assert server.chats[-1].messages[0]["role"] == "system"
    assert model.limitations == ("TEMPERATURE is refused and not sent",)


@pytest.mark.parametrize(
    "refusal",
    [
        Status(400, message="Conversation roles must alternate user/assistant/user/assistant/..."),
        Status(422, message="no"),
        Status(500, message="System role not supported"),
    ],
    ids=str,
)
async def test_refused_system_role_is_folded_into_the_first_message_from_then_on(
    server: OpenAIServer, model: OpenAIChatModel, refusal: Status
) -> None:
    server.refuses_system = refusal
    assert model.limitations == ()
    assert await written(model)
    assert await written(model)
    refused, *folded = server.chats
    assert refused.messages[0]["role"] == "system"
    assert len(folded) == 2
    for chat in folded:
        assert [message["role"] for message in chat.messages] == ["user", "assistant", "user"]
        assert chat.messages[0]["content"] == f"{PROMPT.system}\n\nHello?"
    assert len(model.limitations) == 1


async def test_thought_without_an_opening_tag_is_kept_back_once_the_model_is_known_for_it(
    server: OpenAIServer, model: OpenAIChatModel
) -> None:
    server.enqueue(*[Text("Bees?\n</think>\nHoney.")] * 2, Text("Bees?\n", finish_reason="length"))
    await written(model)
    assert await written(model) == "Honey."
    with pytest.raises(AnswerTooLongError):
        assert await written(model) == ""
