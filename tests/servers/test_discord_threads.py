"""Threads: creation, members and archiving."""

import discord
import pytest

from tests.servers.discord import DiscordServer, Kind
from tests.servers.discord.permissions import CREATE_PRIVATE_THREADS, CREATE_PUBLIC_THREADS

PUBLIC, PRIVATE = discord.ChannelType.public_thread, discord.ChannelType.private_thread


async def channel_of(rest: discord.Client, server: DiscordServer) -> discord.TextChannel:
    channel = await rest.fetch_channel(server.find_channel("general").id)
    assert isinstance(channel, discord.TextChannel)
    return channel


@pytest.mark.parametrize(("kind", "announced"), [(PUBLIC, ["thread"]), (PRIVATE, [])])
async def test_thread_starts_without_a_message(
    server: DiscordServer, rest: discord.Client, kind: discord.ChannelType, announced: list[str]
) -> None:
    channel = await channel_of(rest, server)
    thread = await channel.create_thread(name="thread", type=kind)
    assert server.find_channel("thread").kind == (Kind.PUBLIC_THREAD if kind is PUBLIC else Kind.PRIVATE_THREAD)
    assert [(message.type, message.content) for message in server.find_channel("general").said] == [
        (18, name) for name in announced
    ]
    server.set_overwrite("general", deny=CREATE_PUBLIC_THREADS | CREATE_PRIVATE_THREADS)
    with pytest.raises(discord.Forbidden, match="50013"):
        await channel.create_thread(name="again", type=kind)
    with pytest.raises(discord.HTTPException, match="50024"):
        await rest.http.start_thread_without_message(thread.id, name="in a thread", auto_archive_duration=60, type=11)


async def test_writing_in_a_thread_joins_it(server: DiscordServer, rest: discord.Client) -> None:
    thread = server.thread("alice", "general", "thread")
    await rest.get_partial_messageable(thread.id).send(f"welcome {server.find_user('bob').mention}")
    assert thread.joined == [server.find_user("alice"), server.bot, server.find_user("bob")]


async def test_threads_start_from_messages_and_forum_posts(server: DiscordServer, rest: discord.Client) -> None:
    channel = await channel_of(rest, server)
    start = channel.get_partial_message(server.say("alice", "general", "hi").id)
    thread = await start.create_thread(name="On hi")
    await thread.send("in it")
    assert (thread.id, server.find_channel("On hi").said[-1].content) == (start.id, "in it")
    with pytest.raises(discord.HTTPException, match="160004"):
        await start.create_thread(name="Again")
    forum = await rest.fetch_channel(server.find_channel("help").id)
    assert isinstance(forum, discord.ForumChannel)
    post = await forum.create_thread(name="Why?", content="Because")
    assert post.message.id == post.thread.id
    with pytest.raises(discord.HTTPException, match="50035"):
        await forum.create_thread(name="n" * 101, content="x")


async def test_locked_thread_refuses_messages_and_archived_one_reopens(
    server: DiscordServer, rest: discord.Client
) -> None:
    thread = server.thread("alice", server.say("alice", "general", "hi"), "hi")
    place = rest.get_partial_messageable(thread.id)
    sent = await place.send("x")
    server.archive(thread)
    with pytest.raises(discord.HTTPException, match="50083"):
        await sent.edit(content="y")
    await place.send("y")
    assert not thread.archived
    server.archive(thread, locked=True)
    with pytest.raises(discord.HTTPException, match="160005"):
        await place.send("z")
