"""Streamed messages, through the real client."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.servers.conftest import Refusal
from tests.servers.slack import App, Message, Rules, SlackServer

Arguments = dict[str, Any]


@pytest.fixture
async def asked(slack: SlackServer) -> Message:
    return slack.say(slack.user, slack.channel, "why?")


@pytest.fixture
def there(slack: SlackServer, asked: Message) -> Arguments:
    """Return the channel, thread and recipient of a stream."""
    recipient = {"recipient_user_id": slack.user.id, "recipient_team_id": slack.team.id}
    return {"channel": slack.channel.id, "thread_ts": asked.ts} | recipient


def text(written: str) -> Arguments:
    return {"markdown_text": written}


def chunk(written: str) -> Arguments:
    return {"chunks": [{"type": "markdown_text", "text": written}]}


async def test_sdk_stream_writes_one_message(
    slack: SlackServer, client: AsyncWebClient, asked: Message, there: Arguments
) -> None:
    stream = await client.chat_stream(buffer_size=5, **there)
    await stream.append(markdown_text="**Bec")
    (answer,) = slack.messages(slack.channel.id, asked.ts)[1:]
    assert answer.streaming
    await stream.append(markdown_text="ause**")
    task: Arguments = {"type": "task_update", "id": "1", "title": "Reading", "status": "complete"}
    await stream.append(chunks=[task])
    await stream.stop(markdown_text=".", blocks=[{"type": "divider"}])
    assert (answer.text, answer.streaming, answer.streamed) == ("**Because**.", False, True)
    assert answer.versions == ["**Bec", "**Because**", "**Because**."]
    assert task in answer.chunks
    assert [block["type"] for block in answer.blocks] == ["divider"]


async def test_stream_in_direct_messages_needs_no_recipient(slack: SlackServer, client: AsyncWebClient) -> None:
    private = slack.direct(slack.user)
    asked = slack.say(slack.user, private, "why?")
    started = await client.chat_startStream(channel=private.id, thread_ts=asked.ts, markdown_text="Because")
    await client.chat_stopStream(channel=private.id, ts=started["ts"])
    assert slack.messages(private.id)[-1].text == "Because"


REFUSED_STARTS: list[tuple[Arguments, str]] = [
    ({"recipient_team_id": None}, "missing_recipient_team_id"),
    ({"recipient_user_id": None}, "missing_recipient_user_id"),
    ({"recipient_user_id": "U0NOBODY"}, "user_not_found"),
    ({"recipient_team_id": "T0NOBODY"}, "team_not_found"),
    ({"thread_ts": ""}, "invalid_arguments"),
    ({"thread_ts": "1.000001"}, "thread_not_found"),
    ({"channel": "C0NOWHERE"}, "channel_not_found"),
    ({"markdown_text": "x" * 12_001}, "msg_too_long"),
    (chunk("x" * 12_001), "msg_too_long"),
    (text("x") | chunk("x"), "cannot_provide_both_markdown_text_and_chunks"),
    ({"chunks": [{"type": "confetti"}]}, "invalid_chunks"),
    ({"chunks": [{"type": "task_update", "id": "1", "title": "x", "status": "sleeping"}]}, "invalid_chunks"),
    ({"task_display_mode": "sideways"}, "invalid_arguments"),
]


async def test_invalid_start_of_a_stream_is_refused(client: AsyncWebClient, refusal: Refusal, there: Arguments) -> None:
    for change, error in REFUSED_STARTS:
        assert (await refusal(client.chat_startStream(**there | change)))["error"] == error


REFUSED_APPENDS: list[tuple[Arguments, Arguments, str]] = [
    (text("x"), chunk("y"), "streaming_mode_mismatch"),
    (chunk("x"), text("y"), "streaming_mode_mismatch"),
    (text("x"), text("y" * 12_001), "msg_too_long"),
    (text("x"), {}, "markdown_text_or_chunks_required"),
    (text("x"), text("y") | chunk("y"), "cannot_provide_both_markdown_text_and_chunks"),
    (text("x"), text("y") | {"ts": "1.000001"}, "message_not_found"),
]


async def test_invalid_append_is_refused(client: AsyncWebClient, refusal: Refusal, there: Arguments) -> None:
    for begun, change, error in REFUSED_APPENDS:
        started = await client.chat_startStream(**there, **begun)
        place = {"channel": there["channel"], "ts": started["ts"]}
        assert (await refusal(client.chat_appendStream(**place | change)))["error"] == error


async def test_first_append_sets_the_mode_of_an_empty_stream(
    client: AsyncWebClient, refusal: Refusal, there: Arguments
) -> None:
    started = await client.chat_startStream(**there)
    place = {"channel": there["channel"], "ts": started["ts"]}
    await client.chat_appendStream(**place, **text("x"))
    assert (await refusal(client.chat_appendStream(**place, **chunk("y"))))["error"] == "streaming_mode_mismatch"
    await client.chat_stopStream(**place, chunks=[])


async def test_streamed_message_length_is_limited(
    slack: SlackServer, client: AsyncWebClient, refusal: Refusal, there: Arguments
) -> None:
    started = await client.chat_startStream(**there, **text("x" * 11_000))
    place = {"channel": there["channel"], "ts": started["ts"]}
    assert (await refusal(client.chat_appendStream(**place, **text("y" * 1001))))["error"] == "msg_too_long"
    await client.chat_appendStream(**place, **text("y" * 1000))
    slack.rules.stream_limit = 13_000
    await client.chat_stopStream(**place, **text("z" * 1000))


async def test_final_blocks_are_validated(client: AsyncWebClient, refusal: Refusal, there: Arguments) -> None:
    started = await client.chat_startStream(**there)
    place = {"channel": there["channel"], "ts": started["ts"]}
    assert (await refusal(client.chat_stopStream(**place)))["error"] == "no_text"
    blocks: Any = [{"type": "divider"}] * 51
    refused = await refusal(client.chat_stopStream(**place, **text("x"), blocks=blocks))
    assert refused["error"] == "msg_blocks_too_many"
    refused = await refusal(client.chat_stopStream(**place, **text("x"), blocks=[{"type": "confetti"}]))
    assert refused["error"] == "invalid_blocks"
    metadata = {"event_type": "answer", "event_payload": {"id": "1"}}
    stopped = await client.chat_stopStream(**place, **text("x"), blocks=blocks[:50], metadata=metadata)
    assert stopped["message"]["text"] == "x"
    assert stopped["message"]["metadata"] == metadata


async def test_ended_stream_refuses_appends(client: AsyncWebClient, refusal: Refusal, there: Arguments) -> None:
    started = await client.chat_startStream(**there, **text("x"))
    place = {"channel": there["channel"], "ts": started["ts"]}
    await client.chat_stopStream(**place)
    for call in (client.chat_appendStream(**place, **text("y")), client.chat_stopStream(**place)):
        assert (await refusal(call))["error"] == "message_not_in_streaming_state"


async def test_stream_expires_and_keeps_its_text(
    slack: SlackServer, client: AsyncWebClient, refusal: Refusal, there: Arguments
) -> None:
    slack.rules = Rules(stream_lifetime=0.05)
    started = await client.chat_startStream(**there, **text("x"))
    answer = slack.messages(slack.channel.id)[-1]
    await slack.until(lambda: not answer.streaming)
    place = {"channel": there["channel"], "ts": started["ts"]}
    assert (await refusal(client.chat_appendStream(**place, **text("y"))))["error"] == "message_not_in_streaming_state"
    await client.chat_update(**place, text="x, and more")
    assert answer.text == "x, and more"


async def test_streaming_message_cannot_be_edited(
    slack: SlackServer, client: AsyncWebClient, refusal: Refusal, there: Arguments
) -> None:
    started = await client.chat_startStream(**there, **text("x"))
    refused = await refusal(client.chat_update(channel=slack.channel.id, ts=started["ts"], text="y"))
    assert refused["error"] == "streaming_state_conflict"


async def test_another_app_cannot_append_to_a_stream(
    slack: SlackServer, client: AsyncWebClient, refusal: Refusal, there: Arguments
) -> None:
    other = slack.install(slack.team, app=App("A0OTHER0001", "other"))
    slack.join(other.bot, slack.channel)
    started = await client.chat_startStream(**there, **text("x"))
    theirs = AsyncWebClient(token=other.token, base_url=slack.base_url)
    refused = await refusal(theirs.chat_appendStream(channel=slack.channel.id, ts=started["ts"], **text("y")))
    assert refused["error"] == "message_not_owned_by_app"


async def test_users_stop_ends_the_stream_and_sends_an_event(
    slack: SlackServer, client: AsyncWebClient, refusal: Refusal, there: Arguments
) -> None:
    started = await client.chat_startStream(**there, **text("x"))
    place = {"channel": there["channel"], "ts": started["ts"]}
    slack.stop_stream(slack.user, slack.messages(slack.channel.id)[-1])
    assert (await refusal(client.chat_appendStream(**place, **text("y"))))["error"] == "stopped_by_user"
    assert (await refusal(client.chat_stopStream(**place)))["error"] == "stopped_by_user"
    event = slack.deliveries.all[-1].event
    assert (event["type"], event["streaming_message_ts"]) == ("agent_session_stopped", [started["ts"]])
    slack.rules.stop_after_stop = "message_not_in_streaming_state"
    assert (await refusal(client.chat_stopStream(**place)))["error"] == "message_not_in_streaming_state"


UNAVAILABLE: list[str] = ["unknown_method", "not_allowed", "channel_type_not_supported"]


async def test_streaming_can_be_unavailable(
    slack: SlackServer, client: AsyncWebClient, refusal: Refusal, there: Arguments
) -> None:
    for error in UNAVAILABLE:
        slack.refuse("chat.startStream", error)
        assert (await refusal(client.chat_startStream(**there, **text("x"))))["error"] == error
    assert len(slack.messages(slack.channel.id)) == 1
    slack.refuse("chat.startStream", None)
    await client.chat_startStream(**there, **text("x"))
    assert len(slack.messages(slack.channel.id)) == 2
