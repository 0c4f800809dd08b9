"""Messages: permissions, edits, deletions and notifications."""

from typing import Any

import discord
import pytest

from tests.servers.discord import AppFlag, DiscordServer, Flag, Kind, Message, Rules
from tests.servers.discord.client import logged_in
from tests.servers.discord.permissions import (
    EMBED_LINKS,
    MANAGE_MESSAGES,
    MENTION_EVERYONE,
    READ_MESSAGE_HISTORY,
    SEND_MESSAGES,
    VIEW_CHANNEL,
)


async def channel_of(rest: discord.Client, server: DiscordServer, name: str = "general") -> discord.TextChannel:
    channel = await rest.fetch_channel(server.find_channel(name).id)
    assert isinstance(channel, discord.TextChannel)
    return channel


@pytest.mark.parametrize(
    ("denied", "code"),
    [(VIEW_CHANNEL, 50001), (SEND_MESSAGES, 50013), (EMBED_LINKS, 50013), (READ_MESSAGE_HISTORY, 160002)],
)
async def test_sending_requires_permission(server: DiscordServer, rest: discord.Client, denied: int, code: int) -> None:
    channel = await channel_of(rest, server)
    said = server.say("alice", "general", "hi")
    server.set_overwrite("general", deny=denied)
    reference = discord.MessageReference(message_id=said.id, channel_id=channel.id)
    with pytest.raises(discord.HTTPException) as caught:
        await channel.send("x", embed=discord.Embed(title="t"), reference=reference)
    assert caught.value.code == code
    assert server.said == []


UNREACHABLE: list[tuple[int, int, int | str | None]] = [(404, 10003, 1), (403, 50001, None), (400, 40058, "help")]


async def test_forum_and_deleted_channel_accept_no_messages(server: DiscordServer, rest: discord.Client) -> None:
    for status, code, channel in UNREACHABLE:
        secret = server.store.channel(server.store.guild("secret", with_bot=False), "secret")
        target = channel if isinstance(channel, int) else server.find_channel(channel or secret).id
        with pytest.raises(discord.HTTPException) as caught:
            await rest.get_partial_messageable(target).send("x")
        assert (caught.value.status, caught.value.code) == (status, code)


@pytest.mark.parametrize(("name", "code"), [("alice", 50007), ("robot", 50007), ("stranger", 50278)])
async def test_direct_messages_can_be_refused(
    server: DiscordServer, rest: discord.Client, name: str, code: int
) -> None:
    server.find_user("alice").takes_direct_messages = False
    server.join(server.store.user("robot", bot=True), "acme")
    server.store.user("stranger")
    user = await rest.fetch_user(server.find_user(name).id)
    with pytest.raises(discord.Forbidden) as caught:
        await user.send("x")
    assert caught.value.code == code


async def test_bot_edits_only_its_messages_and_deletes_others_with_permission(
    server: DiscordServer, rest: discord.Client
) -> None:
    channel = await channel_of(rest, server)
    theirs = channel.get_partial_message(server.say("alice", "general", "hi").id)
    for action, code in ((theirs.edit(content="ho"), 50005), (theirs.delete(), 50013)):
        with pytest.raises(discord.Forbidden) as caught:
            await action
        assert caught.value.code == code
    server.set_overwrite("general", server.bot, allow=MANAGE_MESSAGES)
    await theirs.delete()
    for action in (theirs.delete(), theirs.fetch()):
        with pytest.raises(discord.NotFound, match="10008"):
            await action


async def test_bulk_delete_requires_permission(server: DiscordServer, rest: discord.Client) -> None:
    channel = await channel_of(rest, server)
    said = [server.say("alice", "general", "x") for _ in range(3)]
    ids = [message.id for message in said]
    with pytest.raises(discord.Forbidden, match="50013"):
        await rest.http.delete_messages(channel.id, ids)  # type: ignore[arg-type]
    server.set_overwrite("general", server.bot, allow=MANAGE_MESSAGES)
    with pytest.raises(discord.HTTPException, match="50016"):
        await rest.http.delete_messages(channel.id, ids[:1])  # type: ignore[arg-type]
    server.backdate(said[0], 15 * 24 * 3600)
    with pytest.raises(discord.HTTPException, match="50034"):
        await rest.http.delete_messages(channel.id, ids)  # type: ignore[arg-type]
    await rest.http.delete_messages(channel.id, ids[1:])  # type: ignore[arg-type]
    assert [message.deleted for message in said] == [False, True, True]


async def test_repeated_nonce_returns_the_first_message(server: DiscordServer, rest: discord.Client) -> None:
    channel = await channel_of(rest, server)
    first, again = [await channel.send("x", nonce=7) for _ in range(2)]
    other = await channel.send("x", nonce=8)
    assert first.id == again.id != other.id
    assert len(server.said) == 2


async def test_edit_keeps_omitted_parts_and_is_counted(server: DiscordServer, rest: discord.Client) -> None:
    message = await (await channel_of(rest, server)).send("x")
    with pytest.raises(discord.HTTPException, match="50006"):
        await message.edit(content="")
    await message.edit(content=None, embed=discord.Embed(title="t"))
    (said,) = server.said
    assert (said.edits, said.content, len(said.revisions)) == (1, "", 2)
    assert (await message.fetch()).edited_at


async def test_edits_of_old_messages_are_limited(server: DiscordServer) -> None:
    server.rules.old_edits = 2
    async with logged_in(server) as rest:
        message = await (await channel_of(rest, server)).send("x")
        await message.edit(content="fresh")
        server.backdate(server.said[0], 3601)
        for number in range(2):
            await message.edit(content=str(number))
        rest.http.max_ratelimit_timeout = 30
        with pytest.raises(discord.RateLimited):
            await message.edit(content="too much")
    assert (server.calls[-1].status, server.calls[-1].code) == (429, 30046)
    assert server.said[0].content == "1"


async def test_history_is_paged_before_after_and_around_a_message(server: DiscordServer, rest: discord.Client) -> None:
    said = [server.say("alice", "general", str(number)) for number in range(5)]
    channel = await channel_of(rest, server)

    async def read(**where: Any) -> str:
        return "".join([texts[message.id] async for message in channel.history(**where)])

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
async def test_message_notifies_only_allowed_mentions(
    server: DiscordServer, rest: discord.Client, text: str, allowed: discord.AllowedMentions | None, pings: set[str]
) -> None:
    acme = server.guild("acme")
    names = {"crew": server.store.role(acme, "crew", mentionable=True), "quiet": server.store.role(acme, "quiet")}
    for name in ("alice", "bob", "dave"):
        names[name] = server.find_user(name)  # type: ignore[assignment]

    def spelt(words: str) -> str:
        for name, thing in names.items():
            words = words.replace(f"@{name}>", f"@{thing.id}>").replace(f"&{name}>", f"&{thing.id}>")
        return words

    if allowed and allowed.users:
        allowed.users = [discord.Object(server.find_user("alice").id)]
    await (await channel_of(rest, server)).send(spelt(text), allowed_mentions=allowed)  # type: ignore[arg-type]
    assert server.said[0].pings == {spelt(ping) for ping in pings}


async def test_edit_is_parsed_with_its_own_allowed_mentions(server: DiscordServer, rest: discord.Client) -> None:
    server.set_overwrite("general", server.bot, allow=MENTION_EVERYONE)
    channel = await channel_of(rest, server)
    message = await channel.send("@here", allowed_mentions=discord.AllowedMentions.none())
    (said,) = server.said
    assert said.pings == set()
    await message.edit(content="@here again")
    assert said.revisions[-1].pings == said.pings == {"here"}
    await message.edit(content="@here once more", allowed_mentions=discord.AllowedMentions.none())
    assert said.revisions[-1].pings == set()
    assert said.pings == {"here"}


@pytest.mark.parametrize("ping", [True, False])
async def test_reply_notifies_its_author_by_default(server: DiscordServer, rest: discord.Client, ping: bool) -> None:
    channel = await channel_of(rest, server)
    message = await channel.fetch_message(server.say("alice", "general", "hi").id)
    await message.reply("ho", mention_author=ping)
    assert server.said[0].pings == ({server.find_user("alice").mention} if ping else set())


async def test_files_and_flags_are_stored(server: DiscordServer, rest: discord.Client) -> None:
    channel = await channel_of(rest, server)
    file = discord.File(__file__, filename="a.py")
    sent = await channel.send("x https://example.com", file=file, suppress_embeds=True)
    (said,) = server.said
    assert (sent.attachments[0].filename, said.attachments[0]["filename"]) == ("a.py", "a.py")
    assert server.calls[-1].files[0][1].startswith(b'"""Messages')
    assert said.has(Flag.SUPPRESS_EMBEDS)
    assert server.unfurl(said).embeds == []


async def test_reactions_and_typing_are_recorded(server: DiscordServer, rest: discord.Client) -> None:
    said = server.say("alice", "general", "hi")
    channel = await channel_of(rest, server)
    await channel.typing()
    await channel.get_partial_message(said.id).add_reaction("👀")
    assert said.reactions == {"👀": [server.bot]}
    assert server.messages.typing[0][0] is said.channel
    await channel.get_partial_message(said.id).remove_reaction("👀", rest.user or discord.Object(0))
    assert said.reactions == {"👀": []}


@pytest.mark.parametrize("flags", [0, AppFlag.MESSAGE_CONTENT_LIMITED])
async def test_rest_hides_content_without_the_intent(flags: int) -> None:
    async with DiscordServer(intents=flags, rules=Rules()) as server, logged_in(server) as rest:
        said: list[Message] = [server.say("alice", "general", "hi"), server.mention("alice", "general", "hi")]
        channel = await channel_of(rest, server)
        seen = [(await channel.fetch_message(message.id)).content for message in said]
    assert seen == ["hi" if flags else "", said[1].content]


async def test_snowflakes_are_unique_increasing_and_timestamped(server: DiscordServer) -> None:
    ids = [server.say("alice", "general", "x").id for _ in range(5000)]
    assert ids == sorted(set(ids))
    age = discord.utils.utcnow() - discord.utils.snowflake_time(ids[-1])
    assert abs(age.total_seconds()) < 5
    assert server.find_channel("help").kind == Kind.FORUM
