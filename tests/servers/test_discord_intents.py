"""Gateway events by shard, intent and permission."""

import pytest

from tests.servers.discord import AppFlag, DiscordServer
from tests.servers.discord.client import Bot, running
from tests.servers.discord.raw_gateway import ALL_MESSAGES, CONTENT, DIRECT_MESSAGES, GUILD_MESSAGES, GUILDS, connect


async def test_shard_gets_its_guilds_and_shard_zero_direct_messages(server: DiscordServer) -> None:
    alice = server.find_user("alice")
    guilds = [server.store.guild(f"g{shard}", members=(alice,), shard=(shard, 3)) for shard in range(3)]
    rooms = [server.store.channel(guild, guild.name) for guild in guilds]
    async with connect(server) as one, connect(server) as two:
        for shard, it in ((0, one), (2, two)):
            ready = await it.identify(server, shard=[shard, 3])
            assert str(guilds[shard].id) in {guild["id"] for guild in ready["guilds"]}
        said = [server.say("alice", room, "hi") for room in rooms] + [server.say("alice", alice, "psst")]
        heard = [(await one.until("MESSAGE_CREATE"))["d"]["id"] for _ in range(2)]
        assert heard == [str(said[0].id), str(said[3].id)]
        assert (await two.until("MESSAGE_CREATE"))["d"]["id"] == str(said[2].id)


async def test_every_replica_gets_all_events(server: DiscordServer) -> None:
    async with running(server, Bot()) as one, running(server, Bot()) as two:
        said = server.say("alice", "general", "hi")
        for bot in (one, two):
            await bot.watch.until(lambda bot=bot: bot.got("message"))  # type: ignore[misc]
            assert bot.got("message")[0].id == said.id
    assert server.gateway.listening == []


@pytest.mark.parametrize(
    ("intents", "heard"),
    [(GUILDS, []), (GUILDS | GUILD_MESSAGES, ["general"]), (GUILDS | DIRECT_MESSAGES, ["direct"])],
)
async def test_events_require_their_intent(server: DiscordServer, intents: int, heard: list[str]) -> None:
    async with connect(server) as one:
        await one.identify(server, intents=intents)
        server.say("alice", "general", "general @bot")
        server.say("alice", server.bot, "direct")
        server.add_channel("acme", "end")
        said = []
        while (event := await one.receive())["t"] != "CHANNEL_CREATE":
            said += [event["d"]["content"].split()[0]] if event["t"] == "MESSAGE_CREATE" else []
        assert said == heard


@pytest.mark.parametrize("content", [True, False])
async def test_content_requires_the_intent_unless_the_message_concerns_the_bot(content: bool) -> None:
    async with DiscordServer(intents=AppFlag.MESSAGE_CONTENT_LIMITED) as server, connect(server) as one:
        await one.identify(server, intents=ALL_MESSAGES | (CONTENT if content else 0))
        own = server.mention("alice", "general", "mention")
        server.say("alice", server.bot, "direct")
        plain = server.say("alice", "general", "plain", attachments=[{"id": "1"}])
        server.say("alice", "general", "`@bot` in code")
        server.say("bob", "general", "reply", reply_to=plain)
        server.unfurl(plain)
        events = [(await one.until("MESSAGE_CREATE"))["d"] for _ in range(5)]
        update = (await one.until("MESSAGE_UPDATE"))["d"]
    shown = ["plain", f"`{server.bot.mention}` in code", "reply"] if content else [""] * 3
    assert [event["content"] for event in events] == [own.content, "direct", *shown]
    assert events[2]["attachments"] == ([{"id": "1"}] if content else [])
    assert events[4]["referenced_message"]["content"] == shown[0]
    assert (update["edited_timestamp"], len(update["embeds"])) == (None, int(content))


async def test_hidden_channel_sends_no_events(server: DiscordServer) -> None:
    server.set_overwrite("random", server.bot, deny=1 << 10)
    async with connect(server) as one:
        await one.identify(server)
        server.say("alice", "random", "secret")
        hidden = server.thread("alice", "general", "hidden", private=True)
        server.say("alice", hidden, "secret")
        said = server.say("alice", "general", "open")
        assert (await one.until("MESSAGE_CREATE"))["d"]["id"] == str(said.id)
        server.say("alice", hidden, "come in, @bot")
        assert (await one.until("THREAD_CREATE"))["d"]["name"] == "hidden"
        assert (await one.until("MESSAGE_CREATE"))["d"]["channel_id"] == str(hidden.id)


async def test_user_actions_dispatch_discords_events(server: DiscordServer) -> None:
    async with running(server, Bot()) as bot:
        said = server.mention("alice", "general", "hi")
        server.edit(said, "@bot ho")
        server.unfurl(said)
        server.pin(said)
        more = [server.say("bob", "general", "x") for _ in range(2)]
        server.delete(*more)
        server.delete(said)
        thread = server.thread("bob", server.say("bob", "general", "start"), "thread")
        server.say("carol", thread, "in it")
        post = server.forum_post("carol", "help", "Title", "@bot help")
        server.say_as_webhook("Feed", "general", "news")
        server.system("dave", "lobby")
        server.react("alice", said, "👍")
        server.react("alice", said, "👍", taken_back=True)
        server.remove_channel("random")
        await bot.watch.until(lambda: bot.got("guild_channel_delete"))
        texts = [(message.type.name, message.content) for message in bot.got("message")]
        assert texts == [
            ("default", f"{server.bot.mention} ho"), ("default", ""), ("default", ""), ("default", ""),
            ("thread_starter_message", ""), ("default", ""), ("default", f"{server.bot.mention} help"),
            ("default", ""), ("new_member", ""),
        ]  # fmt: skip
        edits = [edit.data["edited_timestamp"] is not None for edit in bot.got("raw_message_edit")[:3]]
        assert edits == [True, True, True]
        assert bot.got("raw_bulk_message_delete")[0].message_ids == {message.id for message in more}
        assert len(bot.got("raw_reaction_add")) == len(bot.got("raw_reaction_remove")) == 1
        assert bot.got("raw_message_delete")[0].message_id == said.id
        assert [thread.id for thread in bot.got("thread_create")] == [thread.id, post.id]
        assert bot.got("message")[6].id == post.id
        assert [bool(message.webhook_id) for message in bot.got("message")].index(True) == 7


async def test_link_preview_is_not_an_edit(server: DiscordServer) -> None:
    async with running(server, Bot()) as bot:
        server.unfurl(server.mention("alice", "general", "https://example.com"))
        await bot.watch.until(lambda: bot.got("raw_message_edit"))
        data = bot.got("raw_message_edit")[0].data
        assert (data["edited_timestamp"], len(data["embeds"])) == (None, 1)
