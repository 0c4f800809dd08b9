"""Web API methods and their errors, through the real client."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.servers.conftest import Refusal
from tests.servers.slack import App, SlackServer

Calling = Callable[[SlackServer, AsyncWebClient], Awaitable[Any]]


async def test_auth_test_returns_the_bot_and_its_scopes(slack: SlackServer, client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert answer["user_id"] == slack.bot.id
    assert answer["bot_id"] == slack.bot.bot_id
    assert answer["team_id"] == slack.team.id
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


TOKENS: list[tuple[str, str]] = [
    ("", "not_authed"),
    ("xoxb-nobody", "invalid_auth"),
    ("xapp-1-A0APP00001-1-loopback", "not_allowed_token_type"),
]


async def test_missing_unknown_or_wrong_token_is_refused(slack: SlackServer, refusal: Refusal) -> None:
    for token, error in TOKENS:
        client = AsyncWebClient(token=token, base_url=slack.base_url)
        assert (await refusal(client.auth_test()))["error"] == error


async def test_socket_requires_the_app_token(slack: SlackServer, client: AsyncWebClient, refusal: Refusal) -> None:
    answer = await client.apps_connections_open(app_token=slack.app_token)
    assert answer["url"].startswith(f"ws://127.0.0.1:{slack.port}/link/?ticket=")
    refused = await refusal(client.apps_connections_open(app_token=slack.bot_token))
    assert refused["error"] == "not_allowed_token_type"


async def test_revoked_token_is_refused(slack: SlackServer, client: AsyncWebClient, refusal: Refusal) -> None:
    slack.installation.revoked = "token_revoked"
    assert (await refusal(client.auth_test()))["error"] == "token_revoked"


SCOPES: list[tuple[Calling, str]] = [
    (lambda s, c: c.chat_postMessage(channel=s.channel.id, text="x"), "chat:write"),
    (lambda s, c: c.users_info(user=s.user.id), "users:read"),
    (lambda s, c: c.reactions_add(channel=s.channel.id, name="eyes", timestamp="1"), "reactions:write"),
    (lambda s, c: c.conversations_replies(channel=s.channel.id, ts="1"), "channels:history"),
    (lambda s, c: c.conversations_history(channel=s.direct(s.user).id), "im:history"),
    (lambda s, c: c.conversations_open(users=s.user.id), "im:write"),
    (lambda s, c: c.usergroups_users_list(usergroup="S1"), "usergroups:read"),
]


async def test_missing_scope_is_named(slack: SlackServer, client: AsyncWebClient, refusal: Refusal) -> None:
    for call, needed in SCOPES:
        slack.installation.scopes = {"commands", "app_mentions:read"}
        refused = await refusal(call(slack, client))
        assert refused["error"] == "missing_scope"
        assert refused["needed"] == needed
        assert refused["provided"] == "app_mentions:read,commands"


@pytest.mark.parametrize("form", ["json", "form", "query", "multipart"])
async def test_arguments_are_accepted_in_every_encoding(
    slack: SlackServer, web: aiohttp.ClientSession, form: str
) -> None:
    blocks: Any = [{"type": "section", "text": {"type": "mrkdwn", "text": "x"}}]
    arguments: Any = {"channel": slack.channel.id, "text": "x", "unfurl_links": False, "blocks": blocks}
    plain = {"channel": slack.channel.id, "text": "x", "unfurl_links": "0", "blocks": json.dumps(blocks)}
    with aiohttp.MultipartWriter("form-data") as parts:
        for name, value in plain.items():
            parts.append(value).set_content_disposition("form-data", name=name)
    how = {
        "json": {"json": arguments},
        "form": {"data": plain},
        "query": {"params": plain},
        "multipart": {"data": parts},
    }
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with web.post(slack.base_url + "chat.postMessage", headers=headers, **how[form]) as response:
        assert (await response.json())["ok"]
    (message,) = slack.messages(slack.channel.id)
    assert message.blocks[0]["text"]["text"] == "x"
    assert message.options == {"unfurl_links": False}


async def test_token_can_be_an_argument(slack: SlackServer, web: aiohttp.ClientSession) -> None:
    async with web.post(slack.base_url + "auth.test", data={"token": slack.bot_token}) as response:
        assert (await response.json())["user_id"] == slack.bot.id
    assert "token" not in slack.calls[0].arguments


MALFORMED: list[tuple[Any, str]] = [
    ({"data": "{", "headers": {"Content-Type": "application/json"}}, "invalid_json"),
    ({"json": [1]}, "json_not_object"),
    ({"data": "x", "headers": {"Content-Type": "text/csv"}}, "invalid_post_type"),
    ({"data": {"blocks": "["}}, "invalid_blocks_format"),
    ({"data": {"metadata": "["}}, "invalid_metadata_format"),
]


async def test_malformed_body_returns_slacks_error_code(slack: SlackServer, web: aiohttp.ClientSession) -> None:
    for request_, error in MALFORMED:
        async with web.post(slack.base_url + "chat.postMessage", **request_) as response:
            assert (await response.json())["error"] == error
        assert slack.calls[-1].error == error


async def test_unknown_method_or_missing_argument_is_refused(
    slack: SlackServer, client: AsyncWebClient, refusal: Refusal
) -> None:
    refused = await refusal(client.api_call("chat.whisper"))
    assert (refused["error"], refused["req_method"]) == ("unknown_method", "chat.whisper")
    refused = await refusal(client.api_call("chat.update", params={"text": "x"}))
    assert refused["error"] == "invalid_arguments"
    messages = ["[ERROR] missing required field: channel", "[ERROR] missing required field: ts"]
    assert refused["response_metadata"]["messages"] == messages


REFUSED: list[tuple[Calling, str]] = [
    (lambda s, c: c.chat_postMessage(channel="C0NOWHERE", text="x"), "channel_not_found"),
    (lambda s, c: c.chat_postMessage(channel=s.add_channel("away", s.user).id, text="x"), "not_in_channel"),
    (lambda s, c: c.chat_postMessage(channel=s.add_channel("secret", s.user, kind="group").id, text="x"),
     "channel_not_found"),
    (lambda s, c: c.chat_postMessage(channel=s.add_channel("old", s.bot, archived=True).id, text="x"),
     "is_archived"),
    (lambda s, c: c.chat_postMessage(channel=s.add_channel("news", s.bot, restricted="restricted_action").id,
                                     text="x"), "restricted_action"),
    (lambda s, c: c.api_call("chat.postMessage", json={"channel": s.channel.id, "text": " "}), "no_text"),
    (lambda s, c: c.chat_postMessage(channel=s.channel.id, text="x", thread_ts="1.000001"), "thread_not_found"),
    (lambda s, c: c.chat_postMessage(channel=s.channel.id, text="x", markdown_text="y"), "markdown_text_conflict"),
    (lambda s, c: c.chat_postMessage(channel=s.channel.id, markdown_text="y" * 12_001), "msg_too_long"),
    (lambda s, c: c.chat_postMessage(channel=s.channel.id, text="x", metadata={"event_type": "x"}),
     "invalid_metadata_format"),
    (lambda s, c: c.chat_postEphemeral(channel=s.channel.id, user="U0NOBODY", text="x"), "user_not_in_channel"),
    (lambda s, c: c.chat_update(channel=s.channel.id, ts="1.000001", text="x"), "message_not_found"),
    (lambda s, c: c.chat_update(channel=s.channel.id, ts=s.say(s.user, s.channel, "x").ts, text="y"),
     "cant_update_message"),
    (lambda s, c: c.chat_delete(channel=s.channel.id, ts=s.say(s.user, s.channel, "x").ts), "cant_delete_message"),
    (lambda s, c: c.chat_delete(channel=s.channel.id, ts="1.000001"), "message_not_found"),
    (lambda s, c: c.reactions_add(channel=s.channel.id, name="eyes", timestamp="1.000001"), "message_not_found"),
    (lambda s, c: c.reactions_remove(channel=s.channel.id, name="eyes", timestamp=s.say(s.user, s.channel, "x").ts),
     "no_reaction"),
    (lambda s, c: c.users_info(user="U0NOBODY"), "user_not_found"),
    (lambda s, c: c.conversations_info(channel="C0NOWHERE"), "channel_not_found"),
    (lambda s, c: c.conversations_replies(channel=s.channel.id, ts="1.000001"), "thread_not_found"),
    (lambda s, c: c.conversations_history(channel=s.add_channel("away", s.user).id), "not_in_channel"),
    (lambda s, c: c.conversations_open(users="U0NOBODY"), "user_not_found"),
    (lambda s, c: c.usergroups_users_list(usergroup="S0NONE"), "no_such_subteam"),
]  # fmt: skip


async def test_invalid_call_returns_slacks_error_code(
    slack: SlackServer, client: AsyncWebClient, refusal: Refusal
) -> None:
    for call, error in REFUSED:
        assert (await refusal(call(slack, client)))["error"] == error
        assert slack.calls[-1].error == error


async def test_post_keeps_its_text_blocks_and_options(slack: SlackServer, client: AsyncWebClient) -> None:
    root = slack.say(slack.user, slack.channel, "hello")
    metadata = {"event_type": "answer", "event_payload": {"id": 1}}
    answer = await client.chat_postMessage(
        channel="#general", text="hi", thread_ts=root.ts, metadata=metadata, unfurl_links=False, mrkdwn=True
    )
    _, message = slack.messages(slack.channel.id, root.ts)
    assert (message.ts, message.user, message.text, message.metadata) == (answer["ts"], slack.bot.id, "hi", metadata)
    assert message.options == {"unfurl_links": False, "mrkdwn": True}
    assert answer["channel"] == slack.channel.id


async def test_post_to_a_user_goes_to_direct_messages(slack: SlackServer, client: AsyncWebClient) -> None:
    answer = await client.chat_postMessage(channel=slack.user.id, text="psst")
    opened = await client.conversations_open(users=slack.user.id)
    assert answer["channel"] == opened["channel"]["id"] == slack.direct(slack.user).id


async def test_long_post_is_truncated_and_long_update_refused(
    slack: SlackServer, client: AsyncWebClient, refusal: Refusal
) -> None:
    posted = await client.chat_postMessage(channel=slack.channel.id, text="x" * 40_001)
    assert len(slack.messages(slack.channel.id)[0].text) == 40_000
    refused = await refusal(client.chat_update(channel=slack.channel.id, ts=posted["ts"], text="x" * 4001))
    assert refused["error"] == "msg_too_long"
    await client.chat_update(channel=slack.channel.id, ts=posted["ts"], text="y" * 4000)
    assert slack.messages(slack.channel.id)[0].text == "y" * 4000


async def test_update_without_blocks_removes_them_and_marks_the_edit(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    blocks: Any = [{"type": "divider"}]
    posted = await client.chat_postMessage(channel=slack.channel.id, text="x", blocks=blocks)
    (message,) = slack.messages(slack.channel.id)
    await client.chat_update(channel=slack.channel.id, ts=posted["ts"], text="y", blocks=blocks)
    assert (message.edits, message.edited, len(message.blocks)) == (1, None, 1)
    await client.chat_update(channel=slack.channel.id, ts=posted["ts"], text="z")
    assert (message.edits, message.blocks) == (2, [])
    assert message.edited
    assert message.versions == ["x", "y", "z"]


async def test_deleted_message_is_hidden_from_users_but_recorded(slack: SlackServer, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=slack.channel.id, text="x")
    await client.chat_delete(channel=slack.channel.id, ts=posted["ts"])
    assert slack.messages(slack.channel.id) == []
    assert [message.text for message in slack.messages(slack.channel.id, deleted=True)] == ["x"]


async def test_ephemeral_message_is_seen_by_one_user(slack: SlackServer, client: AsyncWebClient) -> None:
    await client.chat_postEphemeral(channel=slack.channel.id, user=slack.user.id, text="only you")
    assert [message.text for message in slack.ephemerals(slack.user.id)] == ["only you"]
    assert slack.messages(slack.channel.id) == slack.ephemerals(slack.admin.id) == []


async def test_reaction_is_added_once_and_removed(slack: SlackServer, client: AsyncWebClient, refusal: Refusal) -> None:
    message = slack.say(slack.user, slack.channel, "x")
    reaction: Any = {"channel": slack.channel.id, "name": "eyes", "timestamp": message.ts}
    await client.reactions_add(**reaction)
    assert message.reactions == {"eyes": [slack.bot.id]}
    assert (await refusal(client.reactions_add(**reaction)))["error"] == "already_reacted"
    await client.reactions_remove(**reaction)
    assert message.reactions == {}


async def test_users_and_workspaces_can_be_looked_up(slack: SlackServer, client: AsyncWebClient) -> None:
    slack.user.tz = "Europe/Berlin"
    assert (await client.users_info(user=slack.admin.id))["user"]["is_admin"]
    user = (await client.users_info(user=slack.user.id))["user"]
    assert (user["is_admin"], user["real_name"], user["tz"]) == (False, "Grace Person", "Europe/Berlin")
    assert (await client.team_info())["team"]["domain"] == "acme"
    group = slack.add_usergroup("editors", slack.user)
    assert (await client.usergroups_users_list(usergroup=group.id))["users"] == [slack.user.id]
    assert (await client.usergroups_list())["usergroups"][0]["handle"] == "editors"
    assert (await client.bots_info(bot=slack.bot.bot_id or ""))["bot"]["user_id"] == slack.bot.id


async def test_workspaces_are_isolated(slack: SlackServer, client: AsyncWebClient, refusal: Refusal) -> None:
    other = slack.add_team("Globex", "globex")
    installation = slack.install(other)
    there = slack.add_channel("general", installation.bot, team=other)
    refused = await refusal(client.chat_postMessage(channel=there.id, text="x"))
    assert refused["error"] == "channel_not_found"
    theirs = AsyncWebClient(token=installation.token, base_url=slack.base_url)
    await theirs.chat_postMessage(channel=there.id, text="x")
    assert (await theirs.auth_test())["team_id"] == other.id


async def test_another_app_cannot_change_the_apps_messages(
    slack: SlackServer, client: AsyncWebClient, refusal: Refusal
) -> None:
    other = slack.install(slack.team, app=App("A0OTHER0001", "other"))
    slack.join(other.bot, slack.channel)
    posted = await client.chat_postMessage(channel=slack.channel.id, text="x")
    theirs = AsyncWebClient(token=other.token, base_url=slack.base_url)
    refused = await refusal(theirs.chat_update(channel=slack.channel.id, ts=posted["ts"], text="y"))
    assert refused["error"] == "cant_update_message"


async def test_thread_is_paged_from_its_root(slack: SlackServer, client: AsyncWebClient) -> None:
    root = slack.say(slack.user, slack.channel, "root")
    for number in range(5):
        slack.say(slack.admin, slack.channel, f"reply {number}", root.ts)
    read: list[str] = []
    async for page in await client.conversations_replies(channel=slack.channel.id, ts=root.ts, limit=2):
        read += [message["text"] for message in page["messages"] if message["ts"] != root.ts]
        assert page["messages"][0]["reply_count"] == 5
    assert read == [f"reply {number}" for number in range(5)]


async def test_history_is_newest_first_without_replies(slack: SlackServer, client: AsyncWebClient) -> None:
    first, second = slack.say(slack.user, slack.channel, "1"), slack.say(slack.user, slack.channel, "2")
    slack.say(slack.user, slack.channel, "reply", first.ts)
    answer = await client.conversations_history(channel=slack.channel.id)
    assert [message["text"] for message in answer["messages"]] == ["2", "1"]
    answer = await client.conversations_history(channel=slack.channel.id, latest=second.ts, limit=1)
    assert [message["text"] for message in answer["messages"]] == ["1"]
    answer = await client.conversations_history(channel=slack.channel.id, latest=second.ts, inclusive=True, limit=1)
    assert [message["text"] for message in answer["messages"]] == ["2"]
