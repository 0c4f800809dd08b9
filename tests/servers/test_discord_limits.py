"""Rate limits and injected faults, through discord.py."""

import asyncio
import time
from typing import Any

import aiohttp
import discord
import pytest
from discord.http import Route

from tests.servers.discord import ApiError, DiscordServer, Dropped, Late, Quota, RateLimited, Rules
from tests.servers.discord.client import logged_in
from tests.servers.loopback import Slow, Status

SEND = "POST /channels/{channel}/messages"


def strict(**changes: Any) -> Rules:
    return Rules(strict=True, **changes)


async def post(server: DiscordServer, web: aiohttp.ClientSession, channel: str = "general") -> aiohttp.ClientResponse:
    """Send a message while ignoring rate limits."""
    url = f"{server.api_url}/channels/{server.find_channel(channel).id}/messages"
    headers = {"Authorization": f"Bot {server.token}"}
    async with web.post(url, json={"content": "x"}, headers=headers) as response:
        await response.read()
        return response


async def test_channel_is_limited_to_five_messages_in_five_seconds(web: aiohttp.ClientSession) -> None:
    async with DiscordServer(rules=strict()) as server:
        responses = [await post(server, web) for _ in range(6)]
        assert [response.status for response in responses] == [200] * 5 + [429]
        headers = [response.headers for response in responses]
        assert [int(header["X-RateLimit-Remaining"]) for header in headers] == [4, 3, 2, 1, 0, 0]
        assert {header["X-RateLimit-Limit"] for header in headers} == {"5"}
        assert len({header["X-RateLimit-Bucket"] for header in headers}) == 1
        assert 4 < float(headers[5]["X-RateLimit-Reset-After"]) <= 5
        assert abs(float(headers[5]["X-RateLimit-Reset"]) - time.time() - 5) < 1
        assert (headers[5]["X-RateLimit-Scope"], headers[5]["Via"], headers[5]["Retry-After"]) == (
            "user", "1.1 google", "5",
        )  # fmt: skip
        body = server.calls[-1].answer
        assert (body["global"], 4 < body["retry_after"] <= 5) == (False, True)
        assert (await post(server, web, "random")).status == 200  # another channel, another bucket


async def test_client_that_respects_the_headers_gets_no_429(web: aiohttp.ClientSession) -> None:
    async with DiscordServer(rules=strict(quotas={SEND: Quota(2, 0.2)})) as server, logged_in(server) as rest:
        channel = rest.get_partial_messageable(server.find_channel("general").id)
        began = time.monotonic()
        await asyncio.gather(*(channel.send(str(number)) for number in range(5)))
        assert time.monotonic() - began >= 0.4
    assert {call.status for call in server.calls} == {200}


async def test_global_limit_exempts_interactions(web: aiohttp.ClientSession) -> None:
    rules = strict(global_limit=Quota(3, 0.5))
    async with DiscordServer(rules=rules) as server:
        responses = [await post(server, web) for _ in range(4)]
        assert [response.status for response in responses] == [200, 200, 200, 429]
        assert responses[3].headers["X-RateLimit-Global"] == "true"
        assert responses[3].headers["X-RateLimit-Scope"] == "global"
        assert server.calls[-1].answer["global"] is True
        async with web.post(f"{server.api_url}/interactions/1/token/callback", json={"type": 5}) as response:
            assert response.status == 404


async def test_rate_limits_apply_only_in_strict_mode(server: DiscordServer, web: aiohttp.ClientSession) -> None:
    responses = [await post(server, web) for _ in range(60)]
    assert {response.status for response in responses} == {200}
    assert int(responses[-1].headers["X-RateLimit-Remaining"]) > 100


@pytest.mark.parametrize("everywhere", [True, False])
async def test_client_waits_out_an_injected_429(server: DiscordServer, rest: discord.Client, everywhere: bool) -> None:
    server.inject_fault("POST /channels/*/messages", RateLimited(0.05, everywhere=everywhere), times=2)
    began = time.monotonic()
    await rest.get_partial_messageable(server.find_channel("general").id).send("x")
    assert time.monotonic() - began >= 0.1
    assert [call.status for call in server.calls_to("POST", "/channels/")] == [429, 429, 200]


async def test_client_does_not_retry_cloudflares_429(server: DiscordServer, rest: discord.Client) -> None:
    server.inject_fault("POST /channels/*/messages", RateLimited(0.05, via=False))
    with pytest.raises(discord.HTTPException) as caught:
        await rest.get_partial_messageable(server.find_channel("general").id).send("x")
    assert (caught.value.status, server.said) == (429, [])


async def test_any_discord_error_can_be_injected(server: DiscordServer, rest: discord.Client) -> None:
    server.inject_fault("POST /channels/*/messages", ApiError(50013))
    channel = rest.get_partial_messageable(server.find_channel("general").id)
    with pytest.raises(discord.Forbidden, match="50013"):
        await channel.send("x")
    await channel.send("y")
    assert [call.code for call in server.calls_to("POST", "/channels/")] == [50013, None]


@pytest.mark.parametrize("status", [500, 502])
async def test_client_retries_server_errors(server: DiscordServer, rest: discord.Client, status: int) -> None:
    server.inject_fault("POST /channels/*/messages", Status(status))
    await rest.get_partial_messageable(server.find_channel("general").id).send("x")
    assert [call.status for call in server.calls_to("POST", "/channels/")] == [status, 200]


@pytest.mark.parametrize("happened", [True, False])
async def test_connection_drops_before_or_after_the_effect(
    server: DiscordServer, rest: discord.Client, happened: bool
) -> None:
    server.inject_fault("POST /channels/*/messages", Dropped(after_effect=happened))
    channel = rest.get_partial_messageable(server.find_channel("general").id)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await channel.send("x")
    assert len(server.said) == happened
    await channel.send("y")


@pytest.mark.parametrize(("fault", "at_once"), [(Slow(0.1), False), (Late(0.1), True)])
async def test_response_can_be_delayed_before_or_after_the_effect(
    server: DiscordServer, rest: discord.Client, fault: Slow | Late, at_once: bool
) -> None:
    server.inject_fault("POST *", fault, times=None)
    sending = asyncio.create_task(rest.get_partial_messageable(server.find_channel("general").id).send("x"))
    await server.until(lambda: server.calls_to("POST", "/channels/") and len(server.said) == at_once)
    assert not sending.done()
    await sending
    server.clear_faults()
    assert len(server.said) == 1


async def test_wrong_token_and_unknown_path_are_refused(server: DiscordServer, rest: discord.Client) -> None:
    for route, status in ((Route("GET", "/users/@me"), 401), (Route("GET", "/nowhere"), 404)):
        rest.http.token = "wrong"
        with pytest.raises(discord.HTTPException) as caught:
            await rest.http.request(route)
        assert (caught.value.status, caught.value.code) == (status, 0)


async def test_malformed_json_is_refused(server: DiscordServer, web: aiohttp.ClientSession) -> None:
    headers = {"Authorization": f"Bot {server.token}", "Content-Type": "application/json"}
    async with web.post(f"{server.api_url}/users/@me/channels", data="{", headers=headers) as response:
        assert (response.status, (await response.json())["code"]) == (400, 50109)
        assert response.headers["Content-Type"] == "application/json"


async def test_timeout_error_names_the_last_requests(server: DiscordServer, rest: discord.Client) -> None:
    with pytest.raises(TimeoutError, match="GET /users/@me → 200"):
        await server.until(lambda: False, within=0.05)
