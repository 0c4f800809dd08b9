"""The gateway: who may listen, what they hear, and how they come back."""

import json
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord
import pytest

from tests.servers.discord import AppFlag, DiscordServer, Quota, Rules
from tests.servers.discord_bot import Bot, running
from tests.servers.discord_compression import compression

GUILDS, MEMBERS, GUILD_MESSAGES, DIRECT_MESSAGES, CONTENT = 1, 2, 1 << 9, 1 << 12, 1 << 15
ALL_MESSAGES = GUILDS | GUILD_MESSAGES | DIRECT_MESSAGES


class Line:
    """A websocket to the gateway that speaks as a test wants."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.seq: int | None = None

    async def send(self, op: int, data: Any) -> None:
        await self.socket.send_json({"op": op, "d": data})

    async def receive(self) -> dict[str, Any]:
        payload: dict[str, Any] = await self.socket.receive_json(timeout=3)
        self.seq = payload.get("s") or self.seq
        return payload

    async def until(self, name: str) -> dict[str, Any]:
        while (payload := await self.receive()).get("t") != name:
            pass
        return payload

    async def closed(self) -> int | None:
        """The code with which it is closed."""
        while (await self.socket.receive(timeout=3)).type not in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
            pass
        return self.socket.close_code

    async def identify(self, server: DiscordServer, **more: Any) -> dict[str, Any]:
        await self.send(2, identity(server) | more)
        return (await self.until("READY"))["d"]  # type: ignore[no-any-return]


def identity(server: DiscordServer) -> dict[str, Any]:
    return {"token": server.token, "intents": ALL_MESSAGES, "properties": {}}


@asynccontextmanager
async def line(server: DiscordServer, query: str = "?v=10&encoding=json") -> AsyncIterator[Line]:
    async with aiohttp.ClientSession() as session, session.ws_connect(server.gateway_url + query) as socket:
        yield Line(socket)


def test_compression_is_for_the_names_that_discord_knows() -> None:
    assert compression(None) is compression("gzip") is None


async def test_a_stream_of_zlib_is_flushed_after_each_message(server: DiscordServer) -> None:
    async with line(server, "?v=10&encoding=json&compress=zlib-stream") as one:
        stream = zlib.decompressobj()
        first = await one.socket.receive_bytes()
        assert json.loads(stream.decompress(first))["d"]["heartbeat_interval"] == 41250
        await one.send(1, None)
        second = await one.socket.receive_bytes()
        assert (second[-4:], json.loads(stream.decompress(second))["op"]) == (b"\0\0\xff\xff", 11)


async def test_hello_heartbeats_and_a_ready_with_guilds_to_come(server: DiscordServer) -> None:
    async with line(server) as one:
        assert (await one.receive())["op"] == 10
        await one.send(1, None)
        assert (await one.receive())["op"] == 11
        ready = await one.identify(server)
        assert [guild["unavailable"] for guild in ready["guilds"]] == [True, True]
        assert ready["resume_gateway_url"] == server.gateway_url
        names = [(await one.until("GUILD_CREATE"))["d"]["name"] for _ in range(2)]
        assert names == ["acme", "initech"]
        assert server.gateway.listening == [(0, 1)]


Speech = Callable[[DiscordServer], tuple[int, Any]]
CLOSES: list[tuple[Speech, int]] = [
    (lambda server: (2, identity(server) | {"token": "wrong"}), 4004),
    (lambda server: (2, identity(server) | {"intents": CONTENT}), 4014),
    (lambda server: (2, identity(server) | {"intents": MEMBERS}), 4014),
    (lambda server: (2, identity(server) | {"intents": 1 << 30}), 4013),
    (lambda server: (2, identity(server) | {"intents": None}), 4013),
    (lambda server: (2, identity(server) | {"shard": [2, 2]}), 4010),
    (lambda server: (3, {}), 4003),
    (lambda server: (99, {}), 4001),
    (lambda server: (1, "x" * 5000), 4002),
    (lambda server: (6, {"token": "wrong", "session_id": "s", "seq": 1}), 4004),
]


@pytest.mark.parametrize(("speech", "code"), CLOSES)
async def test_what_must_not_be_said_closes_the_line(server: DiscordServer, speech: Speech, code: int) -> None:
    async with line(server) as one:
        await one.send(*speech(server))
        assert await one.closed() == code
    assert server.gateway.closed == [code]


@pytest.mark.parametrize(
    ("query", "code"), [("?v=8", 4012), ("?v=10&encoding=etf", 4002), ("?v=10&compress=gzip", 4002)]
)
async def test_some_ways_of_speaking_are_not_understood(server: DiscordServer, query: str, code: int) -> None:
    async with line(server, query) as one:
        assert await one.closed() == code


async def test_nobody_identifies_twice_or_sends_nonsense(server: DiscordServer) -> None:
    async with line(server) as one:
        await one.identify(server)
        await one.send(2, identity(server))
        assert await one.closed() == 4005
    async with line(server) as one:
        await one.socket.send_str("{")
        assert await one.closed() == 4002


async def test_who_sends_too_much_or_no_heartbeat_is_cut_off() -> None:
    rules = Rules(sends=Quota(5, 60), heartbeat_interval=0.05)
    async with DiscordServer(rules=rules) as server:
        async with line(server) as one:
            for _ in range(6):
                await one.send(1, None)
            assert await one.closed() == 4008
        async with line(server) as one:
            session = (await one.identify(server))["session_id"]
            assert await one.closed() == 4009
        assert server.gateway.sessions.find(session) is None


async def test_only_so_many_identify_at_once() -> None:
    async with DiscordServer(rules=Rules(identify_every=5.0)) as server, line(server) as one, line(server) as two:
        await one.identify(server)
        await two.send(2, identity(server))
        await two.receive()
        assert await two.receive() == {"op": 9, "d": False}
    rules = Rules(identify_every=5.0, max_concurrency=2)
    async with DiscordServer(rules=rules) as server, line(server) as one, line(server) as two:
        await one.identify(server, shard=[0, 2])
        await two.identify(server, shard=[1, 2])


async def test_each_shard_hears_its_own_guilds_and_the_first_the_direct_messages(server: DiscordServer) -> None:
    alice = server.who("alice")
    guilds = [server.world.guild(f"g{shard}", members=(alice,), shard=(shard, 3)) for shard in range(3)]
    rooms = [server.world.channel(guild, guild.name) for guild in guilds]
    async with line(server) as one, line(server) as two:
        for shard, it in ((0, one), (2, two)):
            ready = await it.identify(server, shard=[shard, 3])
            assert str(guilds[shard].id) in {guild["id"] for guild in ready["guilds"]}
        said = [server.say("alice", room, "hi") for room in rooms] + [server.say("alice", alice, "psst")]
        heard = [(await one.until("MESSAGE_CREATE"))["d"]["id"] for _ in range(2)]
        assert heard == [str(said[0].id), str(said[3].id)]
        assert (await two.until("MESSAGE_CREATE"))["d"]["id"] == str(said[2].id)


async def test_every_replica_hears_everything(server: DiscordServer) -> None:
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
async def test_nothing_is_heard_without_the_intent(server: DiscordServer, intents: int, heard: list[str]) -> None:
    async with line(server) as one:
        await one.identify(server, intents=intents)
        server.say("alice", "general", "general @bot")
        server.say("alice", server.bot, "direct")
        server.add_channel("acme", "end")
        said = []
        while (event := await one.receive())["t"] != "CHANNEL_CREATE":
            said += [event["d"]["content"].split()[0]] if event["t"] == "MESSAGE_CREATE" else []
        assert said == heard


@pytest.mark.parametrize("content", [True, False])
async def test_content_is_hidden_without_the_intent_unless_it_concerns_the_bot(content: bool) -> None:
    async with DiscordServer(intents=AppFlag.MESSAGE_CONTENT_LIMITED) as server, line(server) as one:
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


async def test_a_channel_that_the_bot_does_not_see_is_silent(server: DiscordServer) -> None:
    server.permit("random", server.bot, deny=1 << 10)
    async with line(server) as one:
        await one.identify(server)
        server.say("alice", "random", "secret")
        hidden = server.thread("alice", "general", "hidden", private=True)
        server.say("alice", hidden, "secret")
        said = server.say("alice", "general", "open")
        assert (await one.until("MESSAGE_CREATE"))["d"]["id"] == str(said.id)
        server.say("alice", hidden, "come in, @bot")
        assert (await one.until("THREAD_CREATE"))["d"]["name"] == "hidden"
        assert (await one.until("MESSAGE_CREATE"))["d"]["channel_id"] == str(hidden.id)


async def test_what_people_do_is_heard_as_discord_tells_it(server: DiscordServer) -> None:
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
        server.by_webhook("Feed", "general", "news")
        server.system("dave", "lobby")
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
        assert bot.got("raw_message_delete")[0].message_id == said.id
        assert [thread.id for thread in bot.got("thread_create")] == [thread.id, post.id]
        assert bot.got("message")[6].id == post.id
        assert [bool(message.webhook_id) for message in bot.got("message")].index(True) == 7


async def test_a_preview_is_no_edit(server: DiscordServer) -> None:
    async with running(server, Bot()) as bot:
        server.unfurl(server.mention("alice", "general", "https://example.com"))
        await bot.watch.until(lambda: bot.got("raw_message_edit"))
        data = bot.got("raw_message_edit")[0].data
        assert (data["edited_timestamp"], len(data["embeds"])) == (None, 1)


Trouble = Callable[[DiscordServer], Any]


@pytest.mark.parametrize(
    ("trouble", "resumes"),
    [
        (lambda server: server.gateway.drop(), True),
        (lambda server: server.gateway.reconnect(), True),
        (lambda server: server.gateway.invalidate(resumable=True), True),
        (lambda server: server.gateway.close(4000), True),
        (lambda server: server.gateway.invalidate(), False),
    ],
)
async def test_a_bot_that_lost_its_line_misses_nothing_as_long_as_its_session_lives(
    server: DiscordServer, trouble: Trouble, resumes: bool
) -> None:
    async with running(server, Bot()) as bot:
        server.say("alice", "general", "before")
        await bot.watch.until(lambda: len(bot.got("message")) == 1)
        if (done := trouble(server)) is not None:
            await done
        await server.until(lambda: len(server.gateway.connections) == 0)
        server.say("alice", "general", "meanwhile")
        await server.until(lambda: len(server.gateway.listening) == 1 and server.gateway.connections)
        await bot.watch.until(lambda: bot.got("shard_resumed" if resumes else "shard_ready")[0 if resumes else 1 :])
        server.say("alice", "general", "after")
        await bot.watch.until(lambda: len(bot.got("message")) == (3 if resumes else 2))
    assert server.gateway.resumed == ([(0, 1)] if resumes else [])
    assert len(server.gateway.identified) == (1 if resumes else 2)


async def test_a_forgotten_session_cannot_be_resumed() -> None:
    async with DiscordServer(rules=Rules(replayable=5)) as server:
        async with line(server) as one:
            ready = await one.identify(server)
            await one.socket.close(code=4000)
        session = {"token": server.token, "session_id": ready["session_id"]}
        for _ in range(6):
            server.say("alice", "general", "x")
        for data, answer in ((session | {"seq": 1}, 9), (session | {"session_id": "none", "seq": 1}, 9)):
            async with line(server) as one:
                await one.receive()
                await one.send(6, data)
                assert await one.receive() == {"op": answer, "d": False}
        async with line(server) as one:
            await one.send(6, session | {"seq": 99})
            assert await one.closed() == 4007
        server.rules.session_lifetime = 0
        async with line(server) as one:
            await one.receive()
            await one.send(6, session | {"seq": 6})
            assert await one.receive() == {"op": 9, "d": False}


async def test_leaving_with_a_goodbye_ends_the_session(server: DiscordServer) -> None:
    for code, left in ((1000, 0), (4000, 1)):
        async with line(server) as one:
            await one.identify(server)
            await one.socket.close(code=code)
            await server.until(lambda: not server.gateway.connections)
        assert len(list(server.gateway.sessions)) == left


async def test_a_silent_gateway_is_left_by_a_bot_that_beats() -> None:
    rules, bot = Rules(heartbeat_interval=0.1), Bot(heartbeat_timeout=0.5)
    async with DiscordServer(rules=rules) as server, running(server, bot):
        server.gateway.silence()
        server.say("alice", "general", "unheard")
        await server.until(lambda: server.gateway.resumed)
        await bot.watch.until(lambda: bot.got("message"))


async def test_events_come_twice_or_late_when_told_so(server: DiscordServer) -> None:
    async with running(server, Bot()) as bot:
        server.gateway.deliver(copies=2)
        twice = server.say("alice", "general", "twice")
        await bot.watch.until(lambda: len(bot.got("message")) == 2)
        server.gateway.deliver(late=0.1)
        late = server.say("alice", "general", "late")
        server.gateway.deliver()
        soon = server.say("alice", "general", "soon")
        await bot.watch.until(lambda: len(bot.got("message")) == 4)
        assert [message.id for message in bot.got("message")] == [twice.id, twice.id, soon.id, late.id]


@pytest.mark.parametrize(
    ("token", "intents", "error"),
    [
        ("wrong", discord.Intents.default(), discord.LoginFailure),
        ("bot-token", discord.Intents.all(), discord.PrivilegedIntentsRequired),
    ],
)
async def test_a_bot_that_may_not_is_told_at_its_start(
    server: DiscordServer, token: str, intents: discord.Intents, error: type[Exception]
) -> None:
    bot = Bot(intents)
    with pytest.raises(BaseExceptionGroup) as caught:
        async with running(server, bot, token):
            pass
    assert caught.group_contains(error)


async def test_members_come_when_asked_for(server: DiscordServer) -> None:
    server.world.application.flags = AppFlag.MEMBERS_LIMITED
    async with running(server, Bot(discord.Intents.default() | discord.Intents(members=True))) as bot:
        acme = bot.get_guild(server.guild("acme").id)
        assert acme and {member.name for member in acme.members} >= {"alice", "bob", "carol"}
        server.join(server.world.user("erin"), acme.name)
        await bot.watch.until(lambda: bot.got("member_join"))


async def test_guilds_come_and_go(server: DiscordServer) -> None:
    async with running(server, Bot()) as bot:
        server.outage("acme")
        server.recover("acme")
        server.remove_bot("initech")
        server.join(server.bot, "initech")
        server.allow_role("acme", permissions=0)
        server.give(server.bot, "acme", server.world.role(server.guild("acme"), "helpers"))
        await bot.watch.until(lambda: bot.got("member_update") or bot.got("guild_role_update"))
        names = ("guild_unavailable", "guild_available", "guild_remove", "guild_join")
        seen = [name for name, _ in bot.events if name in names]
        assert seen[-4:] == ["guild_unavailable", "guild_available", "guild_remove", "guild_join"]


async def test_many_shards_are_one_bot() -> None:
    async with DiscordServer(rules=Rules(shards=3)) as server, running(server, Bot()) as bot:
        assert sorted(server.gateway.identified) == [(0, 3), (1, 3), (2, 3)]
        for room in ("general", "lobby"):
            server.mention("alice", room, room)
        await bot.watch.until(lambda: len(bot.got("message")) == 2)
