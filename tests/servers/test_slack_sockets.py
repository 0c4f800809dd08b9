"""Socket Mode: deliveries, acknowledgements, retries and disconnects."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import chain
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.servers.slack import Late, Lost, Normal, Rules, SlackServer, Twice

Socket = aiohttp.ClientWebSocketResponse
Connect = Callable[[], Awaitable[Socket]]


@pytest.fixture
async def connect(slack: SlackServer, client: AsyncWebClient, web: aiohttp.ClientSession) -> AsyncIterator[Connect]:
    """Return a function that opens a raw socket."""
    async with AsyncExitStack() as sockets:

        async def connect() -> Socket:
            address = (await client.apps_connections_open(app_token=slack.app_token))["url"]
            return await sockets.enter_async_context(web.ws_connect(address, autoping=False))

        yield connect


async def envelope(socket: Socket) -> Any:
    return await socket.receive_json(timeout=2)


async def test_hello_contains_the_app_and_its_connection_count(slack: SlackServer, connect: Connect) -> None:
    first = await envelope(await connect())
    second = await envelope(await connect())
    assert first["type"] == "hello"
    assert first["connection_info"] == {"app_id": slack.app.id}
    assert first["debug_info"]["approximate_connection_time"] > 0
    assert [hello["num_connections"] for hello in (first, second)] == [1, 2]


async def test_socket_url_is_valid_for_one_connection(
    slack: SlackServer, client: AsyncWebClient, web: aiohttp.ClientSession
) -> None:
    address = (await client.apps_connections_open(app_token=slack.app_token))["url"]
    async with web.ws_connect(address):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await web.ws_connect(address)


async def test_eleventh_connection_is_refused(slack: SlackServer, connect: Connect) -> None:
    for _ in range(10):
        await envelope(await connect())
    message = await envelope(await connect())
    assert (message["type"], message["reason"]) == ("disconnect", "too_many_websockets")
    assert len(slack.sockets.open) == 10


async def test_acknowledged_event_is_not_retried(slack: SlackServer, connect: Connect) -> None:
    socket = await connect()
    await envelope(socket)
    slack.say(slack.user, slack.channel, "hello")
    came = await envelope(socket)
    assert {name: came[name] for name in ("type", "accepts_response_payload", "retry_attempt", "retry_reason")} == {
        "type": "events_api", "accepts_response_payload": False, "retry_attempt": 0, "retry_reason": "",
    }  # fmt: skip
    await socket.send_json({"envelope_id": came["envelope_id"]})
    (delivery,) = slack.deliveries.all
    await slack.until(lambda: delivery.finished)
    assert delivery.acknowledged
    assert [attempt.number for attempt in delivery.attempts] == [0]
    assert delivery.attempts[0].took is not None


async def test_unacknowledged_event_is_retried_three_times(slack: SlackServer, connect: Connect) -> None:
    slack.rules = Rules(ack_deadline=0.05, retry_delays=(0, 0.01, 0.01))
    socket = await connect()
    await envelope(socket)
    slack.say(slack.user, slack.channel, "hello")
    came = [await envelope(socket) for _ in range(4)]
    assert [(e["retry_attempt"], e["retry_reason"]) for e in came] == [
        (0, ""), (1, "timeout"), (2, "timeout"), (3, "timeout")
    ]  # fmt: skip
    assert len({e["payload"]["event_id"] for e in came}) == 1
    assert len({e["envelope_id"] for e in came}) == 4
    (delivery,) = slack.deliveries.all
    await slack.until(lambda: delivery.finished)
    assert not delivery.acknowledged


async def test_late_acknowledgement_is_recorded_but_not_accepted(slack: SlackServer, connect: Connect) -> None:
    slack.rules = Rules(ack_deadline=0.05, retry_delays=(0.01,))
    socket = await connect()
    await envelope(socket)
    slack.say(slack.user, slack.channel, "hello")
    first = await envelope(socket)
    second = await envelope(socket)
    for came in (first, second):
        await socket.send_json({"envelope_id": came["envelope_id"]})
    (delivery,) = slack.deliveries.all
    await slack.until(lambda: delivery.finished)
    assert [attempt.failure for attempt in delivery.attempts] == ["timeout", None]
    assert delivery.attempts[0].took and delivery.attempts[0].took > 0.05


async def test_connections_take_turns_for_events(slack: SlackServer, connect: Connect) -> None:
    sockets = [await connect() for _ in range(3)]
    for socket in sockets:
        await envelope(socket)
    for number in range(6):
        slack.say(slack.user, slack.channel, str(number))
    came = [[(await envelope(socket))["payload"]["event"]["text"] for _ in range(2)] for socket in sockets]
    assert sorted(chain.from_iterable(came)) == ["0", "1", "2", "3", "4", "5"]
    assert {delivery.attempts[0].connection for delivery in slack.deliveries.all} == {1, 2, 3}


async def test_event_without_a_connection_is_delivered_by_a_retry(slack: SlackServer, connect: Connect) -> None:
    slack.rules = Rules(retry_delays=(0, 0.2))
    slack.say(slack.user, slack.channel, "hello")
    socket = await connect()
    await envelope(socket)
    assert (await envelope(socket))["retry_attempt"] == 2


async def test_events_can_be_duplicated_delayed_or_lost(slack: SlackServer, connect: Connect) -> None:
    socket = await connect()
    await envelope(socket)
    slack.deliveries.enqueue(Normal(), Twice(), Late(0.05), Lost())
    for word in ("normal", "twice", "late", "lost", "after"):
        slack.say(slack.user, slack.channel, word)
    came = [(await envelope(socket))["payload"]["event"]["text"] for _ in range(5)]
    assert came == ["normal", "twice", "twice", "after", "late"]


async def test_server_answers_pings_and_sends_its_own(slack: SlackServer, connect: Connect) -> None:
    slack.rules.ping_every = 0.02
    socket = await connect()
    await socket.ping(b"are you there")
    kinds = {(await socket.receive(timeout=2)).type for _ in range(3)}
    assert kinds == {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG}


@asynccontextmanager
async def listening(slack: SlackServer, heard: list[str]) -> AsyncIterator[Any]:
    """Connect a Bolt app that records messages in `heard`."""
    app = AsyncApp(client=AsyncWebClient(token=slack.bot_token, base_url=slack.base_url))

    @app.event("message")
    async def hear(event: Any) -> None:
        heard.append(event["text"])
        slack.changed()

    handler: Any = AsyncSocketModeHandler(app, slack.app_token, ping_interval=0.1)
    await handler.connect_async()
    try:
        yield handler
    finally:
        await handler.close_async()


@pytest.mark.parametrize("fault", ["drop", "go dead", "refresh_requested", "warning"])
async def test_slack_sdk_reconnects_after_every_fault(slack: SlackServer, fault: Any) -> None:
    heard: list[str] = []
    async with listening(slack, heard):
        (first,) = await slack.until(lambda: slack.sockets.open)
        if fault == "drop":
            slack.sockets.drop()
        elif fault == "go dead":
            slack.sockets.go_dead()
        else:
            await slack.sockets.disconnect(fault)
        await slack.until(lambda: slack.sockets.open and first not in slack.sockets.open)
        slack.say(slack.user, slack.channel, "still there?")
        await slack.until(lambda: heard)
    assert heard == ["still there?"]


async def test_event_on_a_dead_connection_is_delivered_by_a_retry(slack: SlackServer, connect: Connect) -> None:
    slack.rules = Rules(ack_deadline=0.05, retry_delays=(0,))
    dead, alive = await connect(), await connect()
    await envelope(alive)
    await envelope(dead)
    slack.sockets.go_dead(slack.sockets.open[0])
    for word in ("one", "two"):
        slack.say(slack.user, slack.channel, word)
    came = []
    for _ in range(2):
        came.append(await envelope(alive))
        await alive.send_json({"envelope_id": came[-1]["envelope_id"]})
    assert sorted(e["payload"]["event"]["text"] for e in came) == ["one", "two"]
    assert sorted(e["retry_attempt"] for e in came) == [0, 1]
    with pytest.raises(asyncio.TimeoutError):
        await dead.receive_json(timeout=0.05)


async def test_command_is_delivered_once_and_its_response_shown(slack: SlackServer, connect: Connect) -> None:
    slack.rules = Rules(ack_deadline=0.1)
    socket = await connect()
    await envelope(socket)
    slack.slash(slack.user, slack.channel, "/ask")
    came = await envelope(socket)
    assert (came["type"], came["accepts_response_payload"]) == ("slash_commands", True)
    assert "retry_attempt" not in came
    payload = {"text": "Hello, all", "response_type": "in_channel"}
    await socket.send_json({"envelope_id": came["envelope_id"], "payload": payload})
    await slack.until(lambda: [m.text for m in slack.messages(slack.channel.id)] == ["Hello, all"])
    unanswered = slack.slash(slack.user, slack.channel, "/ask")
    await slack.until(lambda: unanswered.complaint)
    assert unanswered.complaint == "operation_timeout"
    assert len(unanswered.delivery.attempts) == 1


async def test_timeout_error_names_the_calls(slack: SlackServer, client: AsyncWebClient) -> None:
    await client.auth_test()
    with pytest.raises(TimeoutError, match=r"auth\.test: ok"):
        await slack.until(lambda: False, within=0.01)
