"""Assistant threads: status, prompts, titles, sessions."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.servers.conftest import Refusal
from tests.servers.slack import Message, SlackServer


@pytest.fixture
async def asked(slack: SlackServer) -> Message:
    return slack.say(slack.user, slack.channel, "why?")


@pytest.fixture
def there(slack: SlackServer, asked: Message) -> dict[str, Any]:
    return {"channel_id": slack.channel.id, "thread_ts": asked.ts}


async def test_status_stays_until_cleared(
    slack: SlackServer, client: AsyncWebClient, there: dict[str, Any], asked: Message
) -> None:
    await client.assistant_threads_setStatus(**there, status="is thinking...", loading_messages=["a"] * 10)
    assert slack.status(slack.channel.id, asked.ts) == "is thinking..."
    await client.assistant_threads_setStatus(**there, status="")
    assert slack.status(slack.channel.id, asked.ts) == ""
    assert [posted.status for posted in slack.status_history] == ["is thinking...", ""]


async def test_reply_of_the_bot_clears_the_status(
    slack: SlackServer, client: AsyncWebClient, there: dict[str, Any], asked: Message
) -> None:
    await client.assistant_threads_setStatus(**there, status="is thinking...")
    slack.say(slack.admin, slack.channel, "me too", asked.ts)
    await client.chat_postMessage(channel=slack.channel.id, text="elsewhere")
    assert slack.status(slack.channel.id, asked.ts)
    await client.chat_postMessage(channel=slack.channel.id, text="here", thread_ts=asked.ts)
    assert not slack.status(slack.channel.id, asked.ts)


async def test_status_expires_after_its_last_update(
    slack: SlackServer, client: AsyncWebClient, there: dict[str, Any], asked: Message
) -> None:
    slack.rules.status_lifetime = 0.05
    await client.assistant_threads_setStatus(**there, status="is thinking...")
    slack.rules.status_lifetime = 60
    await client.assistant_threads_setStatus(**there, status="is writing...")
    slack.rules.status_lifetime = 0.1
    other = slack.say(slack.user, slack.channel, "and?")
    await client.assistant_threads_setStatus(channel_id=slack.channel.id, thread_ts=other.ts, status="is thinking...")
    await slack.until(lambda: not slack.status(slack.channel.id, other.ts))
    assert slack.status(slack.channel.id, asked.ts) == "is writing..."


REFUSED_STATUSES: list[tuple[dict[str, Any], str]] = [
    ({"thread_ts": "1.000001"}, "invalid_thread_ts"),
    ({"channel_id": "C0NOWHERE"}, "channel_not_found"),
    ({"loading_messages": ["a"] * 11}, "invalid_arguments"),
]


async def test_invalid_status_is_refused(client: AsyncWebClient, refusal: Refusal, there: dict[str, Any]) -> None:
    for change, error in REFUSED_STATUSES:
        call = client.assistant_threads_setStatus(**{"status": "x"} | there | change)
        assert (await refusal(call))["error"] == error


async def test_statuses_can_be_unavailable(
    slack: SlackServer, client: AsyncWebClient, refusal: Refusal, there: dict[str, Any]
) -> None:
    slack.refuse("assistant.threads.setStatus", "method_not_supported_for_channel_type")
    refused = await refusal(client.assistant_threads_setStatus(**there, status="x"))
    assert refused["error"] == "method_not_supported_for_channel_type"


async def test_agent_suggests_up_to_four_prompts(
    slack: SlackServer, client: AsyncWebClient, refusal: Refusal, there: dict[str, Any], asked: Message
) -> None:
    prompts = [{"title": "Why", "message": "Why is that?"}] * 4
    await client.assistant_threads_setSuggestedPrompts(**there, prompts=prompts)
    assert slack.prompts[slack.channel.id, asked.ts] == prompts
    refused = await refusal(client.assistant_threads_setSuggestedPrompts(**there, prompts=prompts * 2))
    assert refused["error"] == "invalid_arguments"
    await client.assistant_threads_setSuggestedPrompts(channel_id=slack.channel.id, prompts=prompts)
    slack.rules.is_agent = False
    refused = await refusal(client.assistant_threads_setSuggestedPrompts(**there, prompts=prompts))
    assert refused["error"] == "not_agent_app"


async def test_thread_title_and_session_are_stored(
    slack: SlackServer, client: AsyncWebClient, there: dict[str, Any], asked: Message
) -> None:
    await client.assistant_threads_setTitle(**there, title="Why")
    assert slack.titles[slack.channel.id, asked.ts] == "Why"
    await client.agents_sessions_rename(**there, title="Why not")
    assert slack.titles[slack.channel.id, asked.ts] == "Why not"
    await client.agents_sessions_setStatus(**there, status="processing")
    assert slack.sessions[slack.channel.id, asked.ts] == "processing"
