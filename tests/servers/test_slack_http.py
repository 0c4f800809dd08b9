"""HTTP mode, received by Bolt's own server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from aiohttp import web as server
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.servers.slack import Rules, SlackServer

Answer = Callable[[server.Request], Awaitable[server.StreamResponse]]
Listen = Callable[[Answer], Awaitable[list[server.Request]]]


@pytest.fixture
async def listen(slack: SlackServer) -> AsyncIterator[Listen]:
    """Return a function that starts an app server, points Slack at it and returns the requests it gets."""
    async with AsyncExitStack() as closing:

        async def listen(answer: Answer) -> list[server.Request]:
            came: list[server.Request] = []

            async def take(request: server.Request) -> server.StreamResponse:
                await request.read()
                came.append(request)
                slack.changed()
                return await answer(request)

            app = server.Application()
            app.router.add_post("/slack/events", take)
            runner = server.AppRunner(app)
            await runner.setup()
            closing.push_async_callback(runner.cleanup)
            site = server.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            slack.http.use(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
            return came

        yield listen


def saying(status: int, headers: dict[str, str] | None = None) -> Answer:
    async def answer(_: server.Request) -> server.Response:
        return server.Response(status=status, headers=headers)

    return answer


async def test_bolt_gets_events_commands_and_the_challenge(slack: SlackServer, listen: Listen) -> None:
    app = AsyncApp(
        client=AsyncWebClient(token=slack.bot_token, base_url=slack.base_url), signing_secret=slack.signing_secret
    )

    @app.event("app_mention")
    async def answer(event: Any, say: Any) -> None:
        await say("yes?", thread_ts=event["ts"])

    @app.command("/ask")
    async def ask(ack: Any, command: Any) -> None:
        await ack(f"You asked {command['text']}")

    async def dispatch(request: server.Request) -> server.StreamResponse:
        response: server.StreamResponse = await to_aiohttp_response(
            await app.async_dispatch(await to_bolt_request(request))
        )
        return response

    await listen(dispatch)
    assert await slack.http.verify()
    slack.say(slack.user, slack.channel, f"<@{slack.bot.id}> you there?")
    slack.slash(slack.user, slack.channel, "/ask", "why?")
    await slack.until(lambda: slack.called("chat.postMessage") and slack.ephemerals(slack.user.id))
    assert slack.messages(slack.channel.id)[-1].text == "yes?"
    assert slack.ephemerals(slack.user.id)[0].text == "You asked why?"
    assert await slack.http.forge("events_api", {"type": "event_callback"}, secret="wrong") == 401
    assert await slack.http.forge("events_api", {"type": "event_callback"}, age=600) == 401
    assert await slack.http.forge("events_api", {"type": "event_callback"}, signature="v0=00") == 401


async def test_requests_have_valid_signatures(slack: SlackServer, listen: Listen) -> None:
    came = await listen(saying(200))
    slack.say(slack.user, slack.channel, "hello")
    await slack.until(lambda: came)
    verifier = SignatureVerifier(slack.signing_secret)
    assert verifier.is_valid_request(await came[0].text(), dict(came[0].headers))
    assert came[0].content_type == "application/json"
    assert "X-Slack-Retry-Num" not in came[0].headers


async def test_url_that_fails_the_challenge_is_not_verified(slack: SlackServer, listen: Listen) -> None:
    await listen(saying(200))
    assert not await slack.http.verify()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (saying(500), "http_error"),
        (saying(404), "http_error"),
        (saying(307, {"Location": "/slack/events"}), "too_many_redirects"),
    ],
)
async def test_failed_delivery_is_retried_with_its_reason(
    slack: SlackServer, listen: Listen, answer: Answer, reason: str
) -> None:
    slack.rules = Rules(retry_delays=(0, 0.01, 0.01))
    came = await listen(answer)
    slack.say(slack.user, slack.channel, "hello")
    (delivery,) = slack.deliveries.all
    await slack.until(lambda: delivery.finished)
    retries = [(r.headers.get("X-Slack-Retry-Num"), r.headers.get("X-Slack-Retry-Reason")) for r in came]
    assert list(dict.fromkeys(retries)) == [(None, None), ("1", reason), ("2", reason), ("3", reason)]
    assert len({(await request.json())["event_id"] for request in came}) == 1
    assert not delivery.acknowledged


async def test_late_acknowledgement_causes_a_retry(slack: SlackServer, listen: Listen) -> None:
    slack.rules = Rules(ack_deadline=0.05, retry_delays=(0,))
    over = asyncio.Event()

    async def slow(request: server.Request) -> server.Response:
        if "X-Slack-Retry-Num" not in request.headers:
            await over.wait()
        return server.Response()

    came = await listen(slow)
    slack.say(slack.user, slack.channel, "hello")
    (delivery,) = slack.deliveries.all
    await slack.until(lambda: delivery.finished)
    over.set()
    assert came[1].headers["X-Slack-Retry-Reason"] == "http_timeout"
    assert delivery.acknowledged


async def test_unreachable_app_is_retried(slack: SlackServer, listen: Listen) -> None:
    slack.rules = Rules(retry_delays=(0.1,))
    slack.http.use("http://127.0.0.1:1/slack/events")
    slack.say(slack.user, slack.channel, "hello")
    came = await listen(saying(200))
    await slack.until(lambda: came)
    assert came[0].headers["X-Slack-Retry-Reason"] == "connection_failed"


async def test_no_retry_header_prevents_retries(slack: SlackServer, listen: Listen) -> None:
    slack.rules = Rules(retry_delays=(0, 0, 0))
    came = await listen(saying(500, {"X-Slack-No-Retry": "1"}))
    slack.say(slack.user, slack.channel, "hello")
    (delivery,) = slack.deliveries.all
    await slack.until(lambda: delivery.finished)
    assert len(came) == 1


async def test_failed_command_is_not_retried_and_shows_an_error(slack: SlackServer, listen: Listen) -> None:
    came = await listen(saying(500))
    interaction = slack.slash(slack.user, slack.channel, "/ask", "why?")
    await slack.until(lambda: interaction.complaint)
    assert interaction.complaint == "dispatch_failed"
    assert len(came) == 1


async def respond(slack: SlackServer, interaction: Any, **body: Any) -> tuple[int, str]:
    client = AsyncWebhookClient(f"{slack.origin}/response/{interaction.response_url.id}", retry_handlers=[])
    response = await client.send(**body)
    return response.status_code, response.body


async def test_response_url_posts_replaces_and_deletes(slack: SlackServer, client: AsyncWebClient) -> None:
    blocks: Any = [{"type": "actions", "elements": [
        {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}]}]  # fmt: skip
    await client.chat_postMessage(channel=slack.channel.id, text="Go?", blocks=blocks)
    (message,) = slack.messages(slack.channel.id)
    click = slack.click(slack.user, message, "go")
    assert await respond(slack, click, text="only you") == (200, "ok")
    assert await respond(slack, click, text="everybody", response_type="in_channel") == (200, "ok")
    assert [shown.text for shown in slack.ephemerals(slack.user.id)] == ["only you"]
    assert [shown.text for shown in slack.messages(slack.channel.id)] == ["Go?", "everybody"]
    await respond(slack, click, text="Gone.", replace_original=True)
    assert (message.text, message.blocks) == ("Gone.", [])
    await respond(slack, click, delete_original=True)
    assert [shown.text for shown in slack.messages(slack.channel.id)] == ["everybody"]
    assert await respond(slack, click, text="fifth") == (200, "ok")
    status, body = await respond(slack, click, text="sixth")
    assert (status, "used_url" in body) == (404, True)


async def test_response_url_works_outside_the_bots_channels_until_it_expires(slack: SlackServer) -> None:
    elsewhere = slack.add_channel("elsewhere", slack.user)
    command = slack.slash(slack.user, elsewhere, "/ask")
    await respond(slack, command, text="here", response_type="in_channel")
    assert slack.messages(elsewhere.id)[0].user == slack.bot.id
    assert (await respond(slack, command, text=""))[0] == 400
    slack.rules.response_url_lifetime = 0
    status, body = await respond(slack, command, text="late")
    assert (status, "expired_url" in body) == (404, True)


async def test_unknown_response_url_is_refused(slack: SlackServer, web: aiohttp.ClientSession) -> None:
    async with web.post(f"{slack.origin}/response/none", json={"text": "x"}) as response:
        assert response.status == 404
