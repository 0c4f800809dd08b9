"""Simulated users and the events they cause."""

import re
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.servers.slack import Rules, SlackServer

Json = dict[str, Any]


def heard(slack: SlackServer) -> list[Json]:
    """Return the inner events sent so far."""
    return [delivery.event for delivery in slack.deliveries.all if delivery.kind == "events_api"]


def kinds(slack: SlackServer) -> list[str]:
    return [event.get("subtype") or event["type"] for event in heard(slack)]


async def test_mention_sends_two_events(slack: SlackServer) -> None:
    said = slack.say(slack.user, slack.channel, f"<@{slack.bot.id}> see <https://example.com|this> &amp; that")
    message, mention = heard(slack)
    assert [delivery.event for delivery in slack.deliveries.of("app_mention")] == [mention]
    assert message["ts"] == mention["ts"] == said.ts
    assert message["channel_type"] == "channel"
    assert "channel_type" not in mention
    assert len({delivery.payload["event_id"] for delivery in slack.deliveries.all}) == 2
    assert re.fullmatch(r"\d{10}\.\d{6}", said.ts)
    ((section,),) = (block["elements"] for block in message["blocks"])
    assert section["elements"] == [
        {"type": "user", "user_id": slack.bot.id},
        {"type": "text", "text": " see "},
        {"type": "link", "url": "https://example.com", "text": "this"},
        {"type": "text", "text": " & that"},
    ]


async def test_event_has_slacks_envelope(slack: SlackServer) -> None:
    slack.say(slack.user, slack.channel, "hello")
    payload = slack.deliveries.all[0].payload
    assert payload["type"] == "event_callback"
    assert (payload["team_id"], payload["api_app_id"]) == (slack.team.id, slack.app.id)
    assert payload["authorizations"] == [
        {"enterprise_id": None, "team_id": slack.team.id, "user_id": slack.bot.id, "is_bot": True,
         "is_enterprise_install": False}
    ]  # fmt: skip
    assert {"event_id", "event_time", "event_context", "token", "is_ext_shared_channel"} < payload.keys()


async def test_reply_event_has_root_and_its_author(slack: SlackServer) -> None:
    root = slack.say(slack.user, slack.channel, "root")
    slack.say(slack.admin, slack.channel, "reply", root.ts)
    event = heard(slack)[-1]
    assert (event["thread_ts"], event["parent_user_id"]) == (root.ts, slack.user.id)


async def test_direct_message_sends_no_app_mention(slack: SlackServer) -> None:
    slack.say(slack.user, slack.direct(slack.user), f"<@{slack.bot.id}> hello")
    assert [(event["type"], event["channel_type"]) for event in heard(slack)] == [("message", "im")]


async def test_edit_repeats_the_app_mention(slack: SlackServer) -> None:
    said = slack.say(slack.user, slack.channel, "hello")
    slack.edit(said, f"<@{slack.bot.id}> hello")
    assert kinds(slack) == ["message", "message_changed", "app_mention"]
    _, changed, mention = heard(slack)
    assert changed["message"]["text"] == mention["text"] == f"<@{slack.bot.id}> hello"
    assert changed["previous_message"]["text"] == "hello"
    assert changed["ts"] != said.ts == mention["ts"] == changed["message"]["ts"]
    assert mention["edited"]["user"] == slack.user.id


async def test_unfurl_is_a_change_without_editor(slack: SlackServer) -> None:
    said = slack.say(slack.user, slack.channel, f"<@{slack.bot.id}> https://example.com")
    slack.unfurl(said, "https://example.com")
    assert kinds(slack) == ["message", "app_mention", "message_changed"]
    changed = heard(slack)[-1]
    assert "edited" not in changed["message"]
    assert changed["message"]["attachments"][0]["from_url"] == "https://example.com"
    assert changed["message"]["text"] == changed["previous_message"]["text"]


async def test_deleted_root_leaves_a_tombstone(slack: SlackServer) -> None:
    root = slack.say(slack.user, slack.channel, "root")
    reply = slack.say(slack.admin, slack.channel, "reply", root.ts)
    slack.delete(root)
    slack.delete(reply)
    first, second = heard(slack)[-2:]
    assert (first["subtype"], first["message"]["subtype"]) == ("message_changed", "tombstone")
    assert (second["subtype"], second["deleted_ts"]) == ("message_deleted", reply.ts)


async def test_other_bots_messages_have_a_bot_id(slack: SlackServer) -> None:
    other = slack.add_user("helper", is_bot=True)
    slack.say_as_bot(other, slack.channel, "new")
    slack.say_as_bot(other, slack.channel, "old", legacy=True)
    new, old = heard(slack)
    assert new["bot_id"] == old["bot_id"] == other.bot_id
    assert (new["user"], new.get("subtype")) == (other.id, None)
    assert ("user" in old, old["subtype"]) == (False, "bot_message")


async def test_app_gets_its_own_messages_if_echoes_are_on(slack: SlackServer, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=slack.channel.id, text="x")
    await client.chat_update(channel=slack.channel.id, ts=posted["ts"], text="y")
    assert kinds(slack) == ["message", "message_changed"]
    assert heard(slack)[0]["bot_id"] == slack.bot.bot_id
    slack.rules.echoes = False
    await client.chat_update(channel=slack.channel.id, ts=posted["ts"], text="z")
    assert len(heard(slack)) == 2


async def test_app_gets_events_only_of_its_channels(slack: SlackServer) -> None:
    elsewhere = slack.add_channel("elsewhere", slack.user)
    slack.say(slack.user, elsewhere, f"<@{slack.bot.id}> hello")
    assert heard(slack) == []
    slack.join(slack.bot, elsewhere)
    slack.say(slack.user, elsewhere, f"<@{slack.bot.id}> hello")
    assert kinds(slack) == ["member_joined_channel", "channel_join", "message", "app_mention"]


@pytest.mark.parametrize(
    ("rules", "scopes", "expected"),
    [
        (Rules(subscriptions=frozenset({"app_mention"})), {"app_mentions:read", "channels:history"}, ["app_mention"]),
        (Rules(subscriptions=frozenset({"message.channels"})), {"channels:history"}, ["message"]),
        (Rules(subscriptions=frozenset({"message.groups"})), {"channels:history", "groups:history"}, []),
        (Rules(), {"app_mentions:read"}, ["app_mention"]),
    ],
)
async def test_event_requires_subscription_and_scope(
    slack: SlackServer, rules: Rules, scopes: set[str], expected: list[str]
) -> None:
    slack.rules, slack.installation.scopes = rules, scopes
    slack.say(slack.user, slack.channel, f"<@{slack.bot.id}> hello")
    assert kinds(slack) == expected


async def test_reactions_send_events(slack: SlackServer) -> None:
    said = slack.say(slack.user, slack.channel, "hello")
    slack.react(slack.admin, said, "tada")
    slack.unreact(slack.admin, said, "tada")
    added, removed = heard(slack)[1:]
    assert (added["type"], added["reaction"], added["item_user"]) == ("reaction_added", "tada", slack.user.id)
    assert removed["item"] == {"type": "message", "channel": slack.channel.id, "ts": said.ts}


async def test_app_home_and_context_send_events(slack: SlackServer) -> None:
    private = slack.open_app_home(slack.user)
    slack.view_channel(slack.user, slack.channel)
    root = slack.start_assistant_thread(slack.user, slack.channel)
    opened, turned, started = heard(slack)
    assert (opened["type"], opened["tab"], opened["channel"]) == ("app_home_opened", "messages", private.id)
    assert turned["context"]["entities"][0]["value"] == slack.channel.id
    assert started["assistant_thread"] == {
        "user_id": slack.user.id, "channel_id": private.id, "thread_ts": root.ts,
        "context": {"channel_id": slack.channel.id, "team_id": slack.team.id},
    }  # fmt: skip


async def test_workspaces_have_separate_events(slack: SlackServer) -> None:
    team = slack.add_team("Globex", "globex")
    installation = slack.install(team)
    person = slack.add_user("hank", team=team)
    slack.say(person, slack.add_channel("general", person, installation.bot, team=team), "hello")
    (delivery,) = slack.deliveries.all
    assert delivery.payload["team_id"] == team.id
    assert delivery.payload["authorizations"][0]["user_id"] == installation.bot.id


async def test_command_has_user_channel_and_response_url(slack: SlackServer) -> None:
    private = slack.add_channel("secret", slack.user, kind="group")
    interaction = slack.slash(slack.user, private, "/ask", "why?")
    payload = interaction.delivery.payload
    assert payload["response_url"].startswith(f"{slack.origin}/response/")
    assert (payload["command"], payload["text"], payload["user_id"]) == ("/ask", "why?", slack.user.id)
    assert (payload["channel_name"], payload["team_domain"]) == ("privategroup", "acme")
    await slack.until(lambda: interaction.complaint)
    assert slack.complaints == ["/ask failed with: dispatch_failed"]


async def test_click_has_its_action_and_message(slack: SlackServer, client: AsyncWebClient) -> None:
    button: Json = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, "value": "1"}
    blocks = [{"type": "actions", "block_id": "row", "elements": [button]}]
    asked = slack.say(slack.user, slack.channel, "hello")
    await client.chat_postMessage(channel=slack.channel.id, text="x", blocks=blocks, thread_ts=asked.ts)
    message = slack.messages(slack.channel.id)[-1]
    payload = slack.click(slack.user, message, "go").delivery.payload
    (action,) = payload["actions"]
    assert re.fullmatch(r"\d+\.\d+", action.pop("action_ts"))
    expected = {"type": "button", "action_id": "go", "block_id": "row", "value": "1", "text": button["text"]}
    assert action == expected
    assert payload["type"] == "block_actions"
    assert payload["message"]["blocks"] == blocks
    assert payload["container"] == {
        "type": "message", "message_ts": message.ts, "channel_id": slack.channel.id, "is_ephemeral": False,
        "thread_ts": asked.ts,
    }  # fmt: skip
    with pytest.raises(LookupError):
        slack.click(slack.user, message, "stop")
