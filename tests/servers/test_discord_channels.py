"""REST: application, users, guilds and channels."""

import discord
import pytest

from tests.servers.discord import DiscordServer
from tests.servers.discord.client import logged_in


async def test_application_info_contains_its_install_settings(server: DiscordServer, rest: discord.Client) -> None:
    server.store.application.installed_by.append(server.find_user("alice"))
    info = await rest.application_info()
    assert (info.id, info.owner.name, info.approximate_guild_count) == (server.store.application.id, "owner", 2)
    assert info.install_params and info.install_params.scopes == ["bot", "applications.commands"]
    assert info.install_params.permissions.send_messages
    assert (info.guild_integration_config is not None, info.user_integration_config) == (True, None)


async def test_guild_member_role_and_channel_can_be_fetched(server: DiscordServer, rest: discord.Client) -> None:
    acme = await rest.fetch_guild(server.guild("acme").id)
    assert [guild.name async for guild in rest.fetch_guilds()] == ["acme", "initech"]
    assert {role.name for role in await acme.fetch_roles()} == {"@everyone", "managers"}
    assert [channel.name for channel in await acme.fetch_channels()] == ["general", "random", "help"]
    assert (await acme.fetch_member(server.find_user("alice").id)).name == "alice"
    assert (await rest.fetch_user(server.find_user("dave").id)).global_name == "Dave"
    thread = server.thread("alice", "general", "thread")
    assert [thread.id for thread in await acme.active_threads()] == [thread.id]


UNKNOWN: list[tuple[str, int]] = [("fetch_guild", 10004), ("fetch_user", 10013), ("fetch_channel", 10003)]


async def test_missing_objects_return_an_unknown_error(server: DiscordServer, rest: discord.Client) -> None:
    for what, code in UNKNOWN:
        with pytest.raises(discord.NotFound) as caught:
            await getattr(rest, what)(1)
        assert caught.value.code == code


async def test_non_member_and_foreign_guild_are_refused(server: DiscordServer, rest: discord.Client) -> None:
    acme = await rest.fetch_guild(server.guild("acme").id)
    with pytest.raises(discord.NotFound, match="10007"):
        await acme.fetch_member(server.find_user("dave").id)
    with pytest.raises(discord.Forbidden, match="50001"):
        await rest.fetch_guild(server.store.guild("secret", with_bot=False).id)


async def test_gateway_info_contains_shards_and_session_starts(server: DiscordServer, rest: discord.Client) -> None:
    server.rules.shards, server.rules.max_concurrency = 4, 2
    shards, url, limit = await rest.http.get_bot_gateway()
    assert (shards, url) == (4, server.gateway_url)
    assert (limit["total"], limit["remaining"], limit["max_concurrency"]) == (1000, 1000, 2)


async def test_channel_edit_requires_permission(server: DiscordServer) -> None:
    async with logged_in(server) as rest:
        channel = await rest.fetch_channel(server.find_channel("general").id)
        assert isinstance(channel, discord.TextChannel)
        with pytest.raises(discord.Forbidden, match="50013"):
            await channel.edit(topic="New")
        server.set_overwrite("general", server.bot, allow=1 << 4)
        await channel.edit(topic="New")
        await channel.delete()
    assert server.store.channels[channel.id].topic == "New"
    assert server.store.channels[channel.id].deleted


async def test_bot_joins_and_leaves_threads(server: DiscordServer, rest: discord.Client) -> None:
    thread = server.thread("alice", "general", "thread")
    fetched = await rest.fetch_channel(thread.id)
    assert isinstance(fetched, discord.Thread)
    await fetched.join()
    assert [member.id for member in await fetched.fetch_members()] == [server.find_user("alice").id, server.bot.id]
    await fetched.leave()
    assert thread.joined == [server.find_user("alice")]
