"""Rate limits and injected faults of the loopback Slack."""

from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from tests.servers.conftest import Refusal
from tests.servers.loopback import Slow, Status
from tests.servers.slack import Dropped, Error, Ordinary, RateLimited, Rates, SlackServer


async def test_rate_limit_returns_429_with_retry_after(
    slack: SlackServer, client: AsyncWebClient, refusal: Refusal
) -> None:
    slack.enqueue("chat.postMessage", RateLimited(7))
    refused = await refusal(client.chat_postMessage(channel=slack.channel.id, text="x"))
    assert (refused.status_code, refused["error"], refused.headers["Retry-After"]) == (429, "ratelimited", "7")
    assert (slack.calls[0].status, slack.calls[0].error) == (429, "ratelimited")
    await client.chat_postMessage(channel=slack.channel.id, text="x")


async def test_client_retry_succeeds(slack: SlackServer) -> None:
    handler = AsyncRateLimitErrorRetryHandler(max_retry_count=1)
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.base_url, retry_handlers=[handler])
    slack.enqueue("auth.test", RateLimited(0))
    await client.auth_test()
    assert [call.status for call in slack.calls] == [429, 200]


@pytest.mark.parametrize("status", [500, 503])
async def test_server_error_can_be_injected(slack: SlackServer, client: AsyncWebClient, status: int) -> None:
    slack.enqueue("auth.test", Status(status))
    with pytest.raises(SlackApiError) as raised:
        await client.auth_test()
    assert raised.value.response.status_code == status


async def test_any_error_can_be_injected_for_any_method(
    slack: SlackServer, client: AsyncWebClient, refusal: Refusal
) -> None:
    slack.enqueue("chat.update", Ordinary(), Error("invalid_blocks", ("no reason",)))
    posted = await client.chat_postMessage(channel=slack.channel.id, text="x")
    await client.chat_update(channel=slack.channel.id, ts=posted["ts"], text="y")
    refused = await refusal(client.chat_update(channel=slack.channel.id, ts=posted["ts"], text="z"))
    assert refused["error"] == "invalid_blocks"
    assert refused["response_metadata"]["messages"] == ["[ERROR] no reason"]
    assert slack.messages(slack.channel.id)[0].text == "y"


@pytest.mark.parametrize(("after", "seen"), [(False, 0), (True, 1)])
async def test_connection_drops_before_or_after_the_effect(
    slack: SlackServer, client: AsyncWebClient, after: bool, seen: int
) -> None:
    slack.enqueue("chat.postMessage", Dropped(after))
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=slack.channel.id, text="x")
    assert len(slack.messages(slack.channel.id)) == seen
    assert (slack.calls[0].status, slack.calls[0].error) == (0, "dropped")


async def test_response_can_be_delayed(slack: SlackServer, client: AsyncWebClient) -> None:
    client.timeout = 1
    slack.enqueue("auth.test", Slow(0.05))
    await client.auth_test()
    assert slack.calls[0].answer["ok"]


async def test_rate_limits_apply_only_in_strict_mode(slack: SlackServer, client: AsyncWebClient) -> None:
    for _ in range(10):
        await client.chat_postMessage(channel=slack.channel.id, text="x")
    assert len(slack.messages(slack.channel.id)) == 10


async def test_channel_accepts_a_burst_and_then_one_message_a_second(
    slack: SlackServer, client: AsyncWebClient, refusal: Refusal
) -> None:
    slack.rates.strict = True
    for _ in range(3):
        await client.chat_postMessage(channel=slack.channel.id, text="x")
    refused = await refusal(client.chat_postMessage(channel=slack.channel.id, text="x"))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    await client.chat_postMessage(channel=slack.direct(slack.user).id, text="x")


@pytest.mark.parametrize(("method", "allowed"), [("usergroups.list", 20), ("users.info", 100)])
async def test_method_is_limited_by_its_tier(
    slack: SlackServer, client: AsyncWebClient, refusal: Refusal, method: str, allowed: int
) -> None:
    slack.rates.strict = True
    arguments: Any = {"user": slack.user.id} if method == "users.info" else {}
    for _ in range(allowed):
        await client.api_call(method, params=arguments)
    refused = await refusal(client.api_call(method, params=arguments))
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    await client.auth_test()


async def test_rate_limit_tiers_and_window_are_configurable(refusal: Refusal) -> None:
    async with SlackServer(rates=Rates(strict=True, window=60, methods={"team.info": 1})) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.base_url)
        await client.team_info()
        assert (await refusal(client.team_info()))["error"] == "ratelimited"
        slack.rates.window = 0.05
        slack.after(0.06, lambda: None)  # triggers a check of `until`
        await slack.until(lambda: slack.now > slack.calls[0].at + 0.05)
        await client.team_info()
