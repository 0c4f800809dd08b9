"""Gateway sessions: disconnect, resume, and missed events."""

from collections.abc import Callable
from typing import Any

import discord
import pytest

from tests.servers.discord import AppFlag, DiscordServer, Rules
from tests.servers.discord.client import Bot, running
from tests.servers.discord.raw_gateway import connect

Fault = Callable[[DiscordServer], Any]


@pytest.mark.parametrize(
    ("fault", "resumes"),
    [
        (lambda server: server.gateway.drop(), True),
        (lambda server: server.gateway.reconnect(), True),
        (lambda server: server.gateway.invalidate(resumable=True), True),
        (lambda server: server.gateway.close(4000), True),
        (lambda server: server.gateway.invalidate(), False),
    ],
)
async def test_bot_resumes_without_missing_events_after_a_disconnect(
    server: DiscordServer, fault: Fault, resumes: bool
) -> None:
    async with running(server, Bot()) as bot:
        server.say("alice", "general", "before")
        await bot.watch.until(lambda: len(bot.got("message")) == 1)
        if (done := fault(server)) is not None:
            await done
        await server.until(lambda: len(server.gateway.connections) == 0)
        server.say("alice", "general", "meanwhile")
        await server.until(lambda: len(server.gateway.listening) == 1 and server.gateway.connections)
        await bot.watch.until(lambda: bot.got("shard_resumed" if resumes else "shard_ready")[0 if resumes else 1 :])
        server.say("alice", "general", "after")
        await bot.watch.until(lambda: len(bot.got("message")) == (3 if resumes else 2))
    assert server.gateway.resumed == ([(0, 1)] if resumes else [])
    assert len(server.gateway.identified) == (1 if resumes else 2)


async def test_expired_session_cannot_be_resumed() -> None:
    async with DiscordServer(rules=Rules(replayable=5)) as server:
        async with connect(server) as one:
            ready = await one.identify(server)
            await one.socket.close(code=4000)
        session = {"token": server.token, "session_id": ready["session_id"]}
        for _ in range(6):
            server.say("alice", "general", "x")
        for data, answer in ((session | {"seq": 1}, 9), (session | {"session_id": "none", "seq": 1}, 9)):
            async with connect(server) as one:
                await one.receive()
                await one.send(6, data)
                assert await one.receive() == {"op": answer, "d": False}
        async with connect(server) as one:
            await one.send(6, session | {"seq": 99})
            assert await one.closed() == 4007
        server.rules.session_lifetime = 0
        async with connect(server) as one:
            await one.receive()
            await one.send(6, session | {"seq": 6})
            assert await one.receive() == {"op": 9, "d": False}


async def test_clean_close_ends_the_session(server: DiscordServer) -> None:
    for code, left in ((1000, 0), (4000, 1)):
        async with connect(server) as one:
            await one.identify(server)
            await one.socket.close(code=code)
            await server.until(lambda: not server.gateway.connections)
        assert len(list(server.gateway.sessions)) == left


async def test_bot_leaves_a_gateway_that_acknowledges_no_heartbeats() -> None:
    rules, bot = Rules(heartbeat_interval=0.1, heartbeats_missed=50), Bot(heartbeat_timeout=0.5)
    async with DiscordServer(rules=rules) as server, running(server, bot):
        server.gateway.silence()
        server.say("alice", "general", "unheard")
        await server.until(lambda: server.gateway.resumed)
        await bot.watch.until(lambda: bot.got("message"))
        assert len(bot.got("message")) == 1


async def test_events_can_be_duplicated_or_delayed(server: DiscordServer) -> None:
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
async def test_privileged_intent_without_grant_fails_at_start(
    server: DiscordServer, token: str, intents: discord.Intents, error: type[Exception]
) -> None:
    bot = Bot(intents)
    with pytest.raises(BaseExceptionGroup) as caught:
        async with running(server, bot, token):
            pass
    assert caught.group_contains(error)


async def test_bot_requests_guild_members(server: DiscordServer) -> None:
    server.store.application.flags = AppFlag.MEMBERS_LIMITED
    async with running(server, Bot(discord.Intents.default() | discord.Intents(members=True))) as bot:
        acme = bot.get_guild(server.guild("acme").id)
        assert acme and {member.name for member in acme.members} >= {"alice", "bob", "carol"}
        server.join(server.store.user("erin"), acme.name)
        await bot.watch.until(lambda: bot.got("member_join"))


async def test_guild_outage_recovery_and_removal_are_dispatched(server: DiscordServer) -> None:
    async with running(server, Bot()) as bot:
        server.outage("acme")
        server.recover("acme")
        server.remove_bot("initech")
        server.join(server.bot, "initech")
        server.set_role_permissions("acme", permissions=0)
        server.add_role(server.bot, "acme", server.store.role(server.guild("acme"), "helpers"))
        await bot.watch.until(lambda: bot.got("member_update") or bot.got("guild_role_update"))
        names = ("guild_unavailable", "guild_available", "guild_remove", "guild_join")
        seen = [name for name, _ in bot.events if name in names]
        assert seen[-4:] == ["guild_unavailable", "guild_available", "guild_remove", "guild_join"]


async def test_bot_runs_on_several_shards() -> None:
    async with DiscordServer(rules=Rules(shards=3)) as server, running(server, Bot()) as bot:
        assert sorted(server.gateway.identified) == [(0, 3), (1, 3), (2, 3)]
        for room in ("general", "lobby"):
            server.mention("alice", room, room)
        await bot.watch.until(lambda: len(bot.got("message")) == 2)
