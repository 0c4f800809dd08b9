"""Conversations on Discord: whose turns a question brings with it, and where it needs no mention."""

import asyncio
from functools import partial

from bot.app import Bot, create_bot
from bot.config.loader import load_settings
from bot.config.settings import Settings
from tests.adapters.discord.harness import Harness, connected
from tests.adapters.garden import ASKED, FOLLOW_UP
from tests.servers.discord import AppFlag, DiscordServer, Role
from tests.servers.openai import OpenAIServer

BEES = "What do bees eat in winter?"


async def test_a_channel_has_its_own_history(harness: Harness) -> None:
    await harness.answer(harness.command(ASKED))
    await harness.answer(harness.ask(FOLLOW_UP))
    await harness.answer(harness.ask(BEES, "random"))
    assert ASKED in said_before(harness, 1)
    assert ASKED not in said_before(harness, 2)


async def test_a_thread_has_its_own_history(harness: Harness) -> None:
    asked = harness.ask(ASKED)
    await harness.answer(asked)
    thread = harness.discord.thread("bob", asked, "Tomatoes")
    in_thread = harness.ask(BEES, thread, "bob")
    answer = await harness.answer(in_thread)
    assert answer.channel is thread
    assert ASKED not in said_before(harness, 1)


async def test_a_reply_to_an_older_answer_follows_up_on_that_answer(harness: Harness) -> None:
    first = await harness.answer(harness.ask(ASKED))
    await harness.answer(harness.ask(BEES, user="bob"))
    await harness.answer(harness.discord.say("alice", "general", FOLLOW_UP, reply_to=first))
    asked, answered = said_before(harness, 2)
    assert asked == ASKED
    assert "[1]" in answered


async def test_a_reply_continues_its_chain_alone_and_repeats_nothing(harness: Harness) -> None:
    first = await harness.answer(harness.ask(ASKED))
    await harness.answer(harness.ask(BEES))
    second = await harness.answer(harness.discord.say("bob", "general", FOLLOW_UP, reply_to=first))
    await harness.answer(harness.discord.say("alice", "general", "And on a balcony in autumn?", reply_to=second))
    before = said_before(harness, 3)
    assert [before[0], before[2]] == [ASKED, FOLLOW_UP]
    assert len(before) == 4


async def test_each_person_has_a_conversation_in_a_channel(harness: Harness) -> None:
    await harness.answer(harness.command(ASKED))
    await harness.answer(harness.command(FOLLOW_UP, user="bob"))
    await harness.answer(harness.ask(FOLLOW_UP))
    assert said_before(harness, 1) == []
    assert said_before(harness, 2)[0] == ASKED


async def test_where_the_text_is_withheld_a_mention_of_the_bots_role_is_told_what_to_do(
    discord: DiscordServer, model: OpenAIServer, bot: Bot
) -> None:
    own, other = (role(discord, name) for name in (discord.bot.name, "gardeners"))
    own.of_bot = discord.bot.id
    async with connected(discord, model, bot) as harness:
        withheld = discord.say("alice", "general", f"{own.mention} {BEES}")
        [told] = await harness.until(lambda: harness.since(withheld))
        assert told.content.startswith(f"Please mention {discord.bot.mention} itself")
        assert told.reply_to is withheld
        unknown = discord.say("alice", "general", f"{other.mention} {BEES}")
        await harness.settled()
        assert harness.since(unknown) == []
        assert model.chats == []


async def test_where_the_text_is_readable_roles_and_threads_need_no_other_mention(
    discord: DiscordServer, model: OpenAIServer, bot: Bot
) -> None:
    discord.store.application.flags = AppFlag.MESSAGE_CONTENT
    own = role(discord, discord.bot.name)
    own.of_bot = discord.bot.id
    async with connected(discord, model, bot) as harness:
        asked = discord.say("alice", "general", f"{own.mention} {BEES}")
        await harness.answer(asked)
        assert harness.questions() == [BEES]
        thread = discord.thread("bob", "general", "Tomatoes")
        unasked = discord.say("bob", thread, ASKED)
        await harness.settled()
        assert harness.since(unasked) == []
        await harness.answer(discord.say("bob", thread, f"@bot {ASKED}"))
        await harness.answer(discord.say("alice", thread, FOLLOW_UP))
        assert ASKED in said_before(harness, 2)


async def test_a_reply_to_a_person_includes_what_that_person_wrote(harness: Harness) -> None:
    harness.discord.store.application.flags = AppFlag.MESSAGE_CONTENT
    said = harness.discord.say("bob", "general", "@bot I grow tomatoes on a balcony.")
    await harness.answer(said)
    await harness.answer(harness.discord.say("alice", "general", "@bot When should they be watered?", reply_to=said))
    request = str(harness.model.chats[1].messages[-1]["content"])
    assert request.startswith("Bob: I grow tomatoes on a balcony.\n\n")


async def test_direct_messages_are_answered_with_their_history(harness: Harness) -> None:
    alice = harness.discord.find_user("alice")
    await harness.answer(harness.discord.say("alice", alice, ASKED))
    await harness.answer(harness.discord.say("alice", alice, FOLLOW_UP))
    assert ASKED in said_before(harness, 1)


async def test_a_private_answer_is_visible_only_to_its_asker_and_has_its_own_history(harness: Harness) -> None:
    asked = harness.command(ASKED, private=True)
    answer = await harness.answer(asked)
    assert answer.ephemeral_to is asked.user
    await harness.answer(harness.command(BEES))
    await harness.answer(harness.command(BEES, user="bob", private=True))
    await harness.answer(harness.command(FOLLOW_UP, private=True))
    assert [ASKED in said_before(harness, chat) for chat in (1, 2, 3)] == [False, False, True]


async def test_an_every_question_channel_needs_no_mention(
    discord: DiscordServer, model: OpenAIServer, settings: Settings
) -> None:
    discord.store.application.flags = AppFlag.MESSAGE_CONTENT
    channels = [
        {"platform": "discord", "id": str(discord.find_channel(name).id), "mode": "every-question"}
        for name in ("general", "help")
    ]
    given = settings.model_dump(include={"redis_url", "sources", "openai_base_url"})
    async with create_bot(await asyncio.to_thread(partial(load_settings, **given, channels=channels))) as bot:
        await bot.reindex(lambda _: None)
        async with connected(discord, model, bot) as harness:
            await harness.answer(discord.say("alice", "general", ASKED))
            post = discord.forum_post("bob", "help", "When should tomatoes be watered?", "Mine are on a balcony.")
            assert post.starter
            in_thread = await harness.answer(post.starter)
            assert in_thread.channel is post
            await harness.answer(discord.say("bob", post, FOLLOW_UP))
            left_alone = [
                discord.say("alice", "random", ASKED),
                discord.say("alice", "general", f"{discord.find_user('bob').mention} when should I water tomatoes?"),
            ]
            await harness.settled()
            assert [harness.since(said) for said in left_alone] == [[], []]
            assert "When should tomatoes be watered?\nMine are on a balcony." in harness.questions()


def role(discord: DiscordServer, name: str) -> Role:
    guild = discord.find_channel("general").guild
    assert guild is not None
    return discord.store.role(guild, name)


def said_before(harness: Harness, chat: int) -> list[str]:
    """Return the history in the model's prompt for a question."""
    return [str(message["content"]) for message in harness.model.chats[chat].messages[1:-1]]
