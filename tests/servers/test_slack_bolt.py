"""A conversation with the loopback Slack through Bolt."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.servers.slack import SlackServer

FEEDBACK = {
    "type": "context_actions",
    "elements": [
        {
            "type": "feedback_buttons",
            "action_id": "verdict",
            "positive_button": {"text": {"type": "plain_text", "text": "Good"}, "value": "yes"},
            "negative_button": {"text": {"type": "plain_text", "text": "Bad"}, "value": "no"},
        }
    ],
}
MODAL = {
    "type": "modal",
    "callback_id": "more",
    "title": {"type": "plain_text", "text": "Tell us more"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "why",
            "label": {"type": "plain_text", "text": "Why?"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
    ],
}


def bot(slack: SlackServer) -> AsyncApp:
    """Return an app with streamed answers, feedback buttons, a command and a modal."""
    app = AsyncApp(client=AsyncWebClient(token=slack.bot_token, base_url=slack.base_url))

    @app.event("app_mention")
    async def answer(event: Any, set_status: Any, say_stream: Any) -> None:
        await set_status("is thinking...", loading_messages=["Reading", "Writing"])
        stream = await say_stream(buffer_size=4)
        await stream.append(markdown_text="**Because** ")
        await stream.append(markdown_text="of that.")
        await stream.stop(blocks=[FEEDBACK])

    @app.event("message")
    async def ignore() -> None: ...

    @app.action("verdict")
    async def take_verdict(ack: Any, payload: Any, respond: Any) -> None:
        await ack()
        await respond(f"You said {payload['value']}.", replace_original=False)

    @app.command("/ask")
    async def ask(ack: Any, command: Any, client: AsyncWebClient) -> None:
        await ack(f"You asked {command['text']}")
        await client.views_open(trigger_id=command["trigger_id"], view=MODAL)

    @app.view("more")
    async def take(ack: Any, view: Any, client: AsyncWebClient, body: Any) -> None:
        if not view["state"]["values"]["why"]["text"]["value"]:
            await ack(response_action="errors", errors={"why": "Please say why."})
            return
        await ack()
        await client.chat_postMessage(channel=body["user"]["id"], text=view["state"]["values"]["why"]["text"]["value"])

    return app


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    """Yield a Slack with the connected bot."""
    async with SlackServer() as slack:
        handler: Any = AsyncSocketModeHandler(bot(slack), slack.app_token)
        await handler.connect_async()
        await slack.until(lambda: slack.sockets.open)
        yield slack
        await handler.close_async()


async def test_bolt_app_streams_its_answer_to_a_mention_and_ends_with_blocks(slack: SlackServer) -> None:
    asked = slack.say(slack.user, slack.channel, f"<@{slack.bot.id}> why?")
    await slack.until(lambda: slack.called("chat.stopStream"))
    await slack.until(lambda: all(delivery.acknowledged for delivery in slack.deliveries.all))
    _, answer = slack.messages(slack.channel.id, asked.ts)
    assert answer.text == "**Because** of that."
    assert answer.versions == ["**Because** ", "**Because** of that."]
    assert answer.blocks[0]["type"] == "context_actions"
    assert not answer.streaming
    assert slack.status_history[0].loading_messages == ("Reading", "Writing")
    assert slack.status(slack.channel.id, asked.ts) == ""
    assert [call.error for call in slack.calls] == [None] * len(slack.calls)


async def test_feedback_click_gets_an_ephemeral_response(slack: SlackServer) -> None:
    slack.say(slack.user, slack.channel, f"<@{slack.bot.id}> why?")
    await slack.until(lambda: slack.called("chat.stopStream") and slack.messages(slack.channel.id)[-1].blocks)
    slack.click(slack.user, slack.messages(slack.channel.id)[-1], "verdict", "no")
    (shown,) = await slack.until(lambda: slack.ephemerals(slack.user.id))
    assert shown.text == "You said no."
    assert not slack.ephemerals(slack.admin.id)


async def test_command_opens_a_modal_and_gets_its_values(slack: SlackServer) -> None:
    slack.slash(slack.user, slack.channel, "/ask", "why?")
    (modal,) = await slack.until(lambda: slack.views.of(slack.user.id))
    slack.submit(modal)
    assert await slack.until(lambda: modal.errors) == {"why": "Please say why."}
    assert modal.open
    slack.submit(modal, {"why": "I want to know"})
    private = slack.direct(slack.user)
    (message,) = await slack.until(lambda: slack.messages(private.id))
    assert message.text == "I want to know"
    await slack.until(lambda: not modal.open)
    assert [message.text for message in slack.ephemerals(slack.user.id)] == ["You asked why?"]
