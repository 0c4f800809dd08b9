"""Updates of a message either arrive or raise an error; an answer is never lost silently."""

import pytest

from adapters.slack.message import MAX_UPDATES, update
from adapters.slack.web_api import SlackRefusedError, web_client
from core.chat.platform_errors import AnswerStoppedError
from tests.servers.slack import Error, SlackServer


async def test_an_update_that_keeps_being_rejected_raises_an_error() -> None:
    async with SlackServer() as slack, web_client(slack.bot_token, slack.base_url) as client:
        posted = await client.chat_postMessage(channel=slack.channel.id, text="Old.")
        slack.enqueue("chat.update", *[Error("streaming_state_conflict")] * MAX_UPDATES)
        with pytest.raises(SlackRefusedError, match="streaming_state_conflict"):
            await update(client, slack.channel.id, str(posted["ts"]), "New.", [])
        assert len(slack.called("chat.update")) == MAX_UPDATES


async def test_an_update_arrives_after_two_rejections() -> None:
    async with SlackServer() as slack, web_client(slack.bot_token, slack.base_url) as client:
        posted = await client.chat_postMessage(channel=slack.channel.id, text="Old.")
        slack.enqueue("chat.update", Error("streaming_state_conflict"), Error("invalid_blocks"))
        await update(client, slack.channel.id, str(posted["ts"]), "New.", [])
        [message] = [message for message in slack.store.messages if message.user == slack.bot.id]
        assert "New." in message.text


async def test_updating_a_deleted_message_stops_the_answer() -> None:
    async with SlackServer() as slack, web_client(slack.bot_token, slack.base_url) as client:
        slack.enqueue("chat.update", Error("message_not_found"))
        with pytest.raises(AnswerStoppedError):
            await update(client, slack.channel.id, "1700000000.000100", "New.", [])
