"""Messages: who may write, edit and delete what, whom it notifies, and what is remembered of it."""

import discord
import pytest

from tests.servers.discord import AppFlag, DiscordServer, Flag, Kind, Message, Rules
from tests.servers.discord_bot import logged_in
from tests.servers.discord_permissions import (
    EMBED_LINKS,
    MANAGE_MESSAGES,
    MENTION_EVERYONE,
    READ_MESSAGE_HISTORY,
    SEND_MESSAGES,
    VIEW_CHANNEL,
)


async def channel_of(client: discord.Client, server: DiscordServer, name: str = "general") -> discord.TextChannel:
    channel = await client.fetch_channel(server.where(name).id)
    assert isinstance(channel, discord.TextChannel)
    return channel


@pytest.mark.parametrize(
    ("denied", "code"),
    [(VIEW_CHANNEL, 50001), (SEND_MESSAGES, 50013), (EMBED_LINKS, 50013), (READ_MESSAGE_HISTORY, 160002)],
)
async def test_nothing_is_sent_without_the_permission(
    server: DiscordServer, client: discord.Client, denied: int, code: int
) -> None:
    channel = await channel_of(client, server)
    said = server.say("alice", "general", "hi")
    server.permit("general", deny=denied)
    reference = discord.MessageReference(message_id=said.id, channel_id=channel.id)
    with pytest.raises(discord.HTTPException) as caught:
        await channel.send("x", embed=discord.Embed(title="t"), reference=reference)
    assert caught.value.code == code
    assert server.said == []


@pytest.mark.parametrize(("status", "code", "channel"), [(404, 10003, 1), (403, 50001, None), (400, 40058, "help")])
async def test_nothing_is_sent_where_nothing_can_be(
    server: DiscordServer, client: discord.Client, status: int, code: int, channel: int | str | None
) -> None:
    secret = server.world.channel(server.world.guild("secret", with_bot=False), "secret")
    target = channel if isinstance(channel, int) else server.where(channel or secret).id
    with pytest.raises(discord.HTTPException) as caught:
        await client.get_partial_messageable(target).send("x")
    assert (caught.value.status, caught.value.code) == (status, code)


@pytest.mark.parametrize(("name", "code"), [("alice", 50007), ("robot", 50007), ("stranger", 50278)])
async def test_some_take_no_direct_messages(
    server: DiscordServer, client: discord.Client, name: str, code: int
) -> None:
    server.who("alice").takes_direct_messages = False
    server.join(server.world.user("robot", bot=True), "acme")
    server.world.user("stranger")
    user = await client.fetch_user(server.who(name).id)
    with pytest.raises(discord.Forbidden) as caught:
        await user.send("x")
    assert caught.value.code == code


async def test_only_ones_own_messages_are_edited_and_others_deleted_with_permission(
    server: DiscordServer, client: discord.Client
) -> None:
    channel = await channel_of(client, server)
    theirs = channel.get_partial_message(server.say("alice", "general", "hi").id)
    for action, code in ((theirs.edit(content="ho"), 50005), (theirs.delete(), 50013)):
        with pytest.raises(discord.Forbidden) as caught:
            await action
        assert caught.value.code == code
    server.permit("general", server.bot, allow=MANAGE_MESSAGES)
    await theirs.delete()
    for action in (theirs.delete(), theirs.fetch()):
        with pytest.raises(discord.NotFound, match="10008"):
            await action


async def test_the_same_nonce_gives_the_first_message(server: DiscordServer, client: discord.Client) -> None:
    channel = await channel_of(client, server)
    first, again = [await channel.send("x", nonce=7) for _ in range(2)]
    other = await channel.send("x", nonce=8)
    assert first.id == again.id != other.id
    assert len(server.said) == 2


async def test_an_edit_empties_nothing_away_and_counts(server: DiscordServer, client: discord.Client) -> None:
    message = await (await channel_of(client, server)).send("x")
    with pytest.raises(discord.HTTPException, match="50006"):
        await message.edit(content="")
    await message.edit(content=None, embed=discord.Embed(title="t"))
    (said,) = server.said
    assert (said.edits, said.content, len(said.revisions)) == (1, "", 2)
    assert (await message.fetch()).edited_at


async def test_old_messages_are_edited_so_often_and_no_more(server: DiscordServer) -> None:
    server.rules.old_edits = 2
    async with logged_in(server) as client:
        message = await (await channel_of(client, server)).send("x")
        await message.edit(content="fresh")
        server.old(server.said[0], 3601)
        for number in range(2):
            await message.edit(content=str(number))
        client.http.max_ratelimit_timeout = 30
        with pytest.raises(discord.RateLimited):
            await message.edit(content="too much")
    assert (server.calls[-1].status, server.calls[-1].code) == (429, 30046)
    assert server.said[0].content == "1"


async def test_a_history_is_read_from_any_end(server: DiscordServer, client: discord.Client) -> None:
    said = [server.say("alice", "general", str(number)) for number in range(5)]
    channel = await channel_of(client, server)

    async def read(**where: object) -> str:
        return "".join(
            [str(message.id - said[0].id) and texts[message.id] async for message in channel.history(**where)]
        )  # type: ignore[arg-type]

    texts = {message.id: message.content for message in said}
    middle = discord.Object(said[2].id)
    assert await read() == "43210"
    assert await read(limit=2) == "43"
    assert await read(before=middle) == "10"
    assert await read(after=middle) == "34"
    assert await read(around=middle, limit=3) == "321"


@pytest.mark.parametrize(
    ("text", "allowed", "pings"),
    [
        ("@everyone <@alice> <@&crew>", None, {"<@alice>", "<@&crew>"}),
        ("@everyone <@alice> <@&crew>", discord.AllowedMentions.none(), set()),
        ("<@alice> <@bob>", discord.AllowedMentions(users=[discord.Object(0)], roles=False), {"<@alice>"}),
        ("`<@alice>` and\n```\n<@bob>\n```", None, set()),
        ("<@dave>", None, set()),  # is not there
        ("<@&quiet>", None, set()),
    ],
)
async def test_a_message_notifies_whom_it_may(
    server: DiscordServer, client: discord.Client, text: str, allowed: discord.AllowedMentions | None, pings: set[str]
) -> None:
    acme = server.guild("acme")
    names = {"crew": server.world.role(acme, "crew", mentionable=True), "quiet": server.world.role(acme, "quiet")}
    for name in ("alice", "bob", "dave"):
        names[name] = server.who(name)  # type: ignore[assignment]

    def spelt(words: str) -> str:
        for name, thing in names.items():
            words = words.replace(f"@{name}>", f"@{thing.id}>").replace(f"&{name}>", f"&{thing.id}>")
        return words

    if allowed and allowed.users:
        allowed.users = [discord.Object(server.who("alice").id)]
    await (await channel_of(client, server)).send(spelt(text), allowed_mentions=allowed)  # type: ignore[arg-type]
    assert server.said[0].pings == {spelt(ping) for ping in pings}


async def test_an_edit_is_parsed_anew_with_its_own_allowance(server: DiscordServer, client: discord.Client) -> None:
    server.permit("general", server.bot, allow=MENTION_EVERYONE)
    channel = await channel_of(client, server)
    message = await channel.send("@here", allowed_mentions=discord.AllowedMentions.none())
    (said,) = server.said
    assert said.pings == set()
    await message.edit(content="@here again")
    assert said.revisions[-1].pings == said.pings == {"here"}
    await message.edit(content="@here once more", allowed_mentions=discord.AllowedMentions.none())
    assert (said.revisions[-1].pings, said.pings) == (set(), {"here"})


@pytest.mark.parametrize("ping", [True, False])
async def test_a_reply_notifies_whom_it_answers_unless_told_otherwise(
    server: DiscordServer, client: discord.Client, ping: bool
) -> None:
    channel = await channel_of(client, server)
    message = await channel.fetch_message(server.say("alice", "general", "hi").id)
    await message.reply("ho", mention_author=ping)
    assert server.said[0].pings == ({server.who("alice").mention} if ping else set())


async def test_files_and_flags_arrive(server: DiscordServer, client: discord.Client) -> None:
    channel = await channel_of(client, server)
    file = discord.File(__file__, filename="a.py")
    sent = await channel.send("x https://example.com", file=file, suppress_embeds=True)
    (said,) = server.said
    assert (sent.attachments[0].filename, said.attachments[0]["filename"]) == ("a.py", "a.py")
    assert server.calls[-1].files[0][1].startswith(b'"""Messages')
    assert said.has(Flag.SUPPRESS_EMBEDS)
    assert server.unfurl(said).embeds == []


async def test_reactions_and_typing_are_remembered(server: DiscordServer, client: discord.Client) -> None:
    said = server.say("alice", "general", "hi")
    channel = await channel_of(client, server)
    await channel.typing()
    await channel.get_partial_message(said.id).add_reaction("👀")
    assert said.reactions == {"👀": [server.bot]}
    assert server.messages.typing[0][0] is said.channel
    await channel.get_partial_message(said.id).remove_reaction("👀", discord.Object(client.application_id or 0))
    await channel.get_partial_message(said.id).remove_reaction("👀", client.user or discord.Object(0))
    assert said.reactions == {"👀": []}


async def test_threads_grow_from_messages_and_forums(server: DiscordServer, client: discord.Client) -> None:
    channel = await channel_of(client, server)
    start = channel.get_partial_message(server.say("alice", "general", "hi").id)
    thread = await start.create_thread(name="On hi")
    await thread.send("in it")
    assert (thread.id, server.where("On hi").said[-1].content) == (start.id, "in it")
    with pytest.raises(discord.HTTPException, match="160004"):
        await start.create_thread(name="Again")
    forum = await client.fetch_channel(server.where("help").id)
    assert isinstance(forum, discord.ForumChannel)
    post = await forum.create_thread(name="Why?", content="Because")
    assert post.message.id == post.thread.id
    with pytest.raises(discord.HTTPException, match="50035"):
        await forum.create_thread(name="n" * 101, content="x")


async def test_a_locked_thread_takes_no_word_and_an_archived_one_comes_back(
    server: DiscordServer, client: discord.Client
) -> None:
    thread = server.thread("alice", server.say("alice", "general", "hi"), "hi")
    place = client.get_partial_messageable(thread.id)
    sent = await place.send("x")
    server.archive(thread)
    with pytest.raises(discord.HTTPException, match="50083"):
        await sent.edit(content="y")
    await place.send("y")
    assert not thread.archived
    server.archive(thread, locked=True)
    with pytest.raises(discord.HTTPException, match="160005"):
        await place.send("z")


@pytest.mark.parametrize("flags", [0, AppFlag.MESSAGE_CONTENT_LIMITED])
async def test_rest_hides_content_from_applications_without_the_intent(flags: int) -> None:
    async with DiscordServer(intents=flags, rules=Rules()) as server, logged_in(server) as client:
        said: list[Message] = [server.say("alice", "general", "hi"), server.mention("alice", "general", "hi")]
        channel = await channel_of(client, server)
        seen = [(await channel.fetch_message(message.id)).content for message in said]
    assert seen == ["hi" if flags else "", said[1].content]


async def test_ids_are_unique_growing_and_tell_the_time(server: DiscordServer) -> None:
    ids = [server.say("alice", "general", "x").id for _ in range(5000)]
    assert ids == sorted(set(ids))
    age = discord.utils.utcnow() - discord.utils.snowflake_time(ids[-1])
    assert abs(age.total_seconds()) < 5
    assert server.where("help").kind == Kind.FORUM
