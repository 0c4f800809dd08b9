"""A question on Discord: seen at once, answered where it was asked, once."""

import asyncio
from functools import partial
from itertools import pairwise

from bot.app import create_bot
from bot.config.settings import Settings, load_settings
from tests.adapters.discord.acting import Room, buttons, entered, is_whole
from tests.adapters.garden import ASKED, FOLLOW_UP, OFF_TOPIC
from tests.servers.discord import AppFlag, Callback, DiscordServer, Flag
from tests.servers.openai import OpenAIServer, Text

BEES = "What do bees eat in winter?"


async def test_a_command_is_answered_with_footnotes_sources_and_buttons(room: Room) -> None:
    asked = room.command(ASKED)
    answer = await room.answer(asked)
    assert answer is asked.original
    assert "[[1]](<https://garden.example/tomatoes.md>)." in answer.content
    assert answer.content.endswith("[1] [Growing tomatoes on a balcony](<https://garden.example/tomatoes.md>)")
    assert list(buttons(answer)) == ["up", "down", "why"]
    assert room.refused() == []


async def test_that_a_command_was_heard_is_the_first_thing_of_all(room: Room) -> None:
    before = len(room.discord.calls)
    asked = room.command(ASKED)
    await room.answer(asked)
    assert asked.callback is Callback.DEFERRED
    assert asked.latency is not None and asked.latency < 3
    assert room.discord.calls[before].path.startswith(f"/interactions/{asked.id}/")


async def test_a_mention_is_answered_as_a_reply_and_typing_is_seen_first(room: Room) -> None:
    before = len(room.discord.calls)
    asked = room.ask(ASKED)
    answer = await room.answer(asked)
    assert answer.reply_to is asked
    assert room.discord.calls[before].path == f"/channels/{asked.channel.id}/typing"
    await room.settled()
    assert room.since(asked) == [answer]
    assert room.refused() == []


async def test_an_answer_grows_as_the_model_writes_it(room: Room) -> None:
    room.model.enqueue(Text("Water tomatoes early in the morning [1]. " * 12, tokens_per_second=40))
    answer = await room.answer(room.command(ASKED))
    shown = [revision.content for revision in answer.revisions if revision.content]
    assert len(shown) > 2
    for shorter, longer in pairwise(shown):
        assert longer.startswith(shorter)


async def test_nothing_that_is_written_calls_anybody_or_previews_a_link(room: Room) -> None:
    alice = room.discord.who("alice")
    hostile = (
        f"Ask @everyone, @here and {alice.mention}, see https://garden.example/ and ![x](https://garden.example/y)."
    )
    room.model.enqueue(Text(hostile + " Water them early [1]."))
    answer = await room.answer(room.ask(ASKED, user="bob"))
    assert answer.pings == frozenset()
    assert answer.mentions.users == ()
    assert answer.has(Flag.SUPPRESS_EMBEDS)
    for call in room.discord.calls:
        if isinstance(call.body, dict) and "content" in call.body:
            assert call.form["allowed_mentions"] == {"parse": [], "replied_user": False}
            assert call.form["flags"] & Flag.SUPPRESS_EMBEDS


async def test_a_channel_remembers_what_was_asked_and_another_does_not(room: Room) -> None:
    await room.answer(room.command(ASKED))
    await room.answer(room.ask(FOLLOW_UP, user="bob"))
    await room.answer(room.ask(BEES, "random"))
    assert ASKED in said_before(room, 1)
    assert ASKED not in said_before(room, 2)


async def test_a_thread_is_a_conversation_of_its_own(room: Room) -> None:
    asked = room.ask(ASKED)
    await room.answer(asked)
    thread = room.discord.thread("bob", asked, "Tomatoes")
    in_thread = room.ask(BEES, thread, "bob")
    answer = await room.answer(in_thread)
    assert answer.channel is thread
    assert ASKED not in said_before(room, 1)


async def test_a_reply_to_an_answer_knows_that_answer_whatever_was_asked_since(room: Room) -> None:
    first = await room.answer(room.ask(ASKED))
    await room.answer(room.ask(BEES, user="bob"))
    await room.answer(room.discord.say("alice", "general", FOLLOW_UP, reply_to=first))
    assert said_before(room, 2)[-2:] == [ASKED, said_before(room, 1)[-1]]


async def test_a_reply_to_a_person_brings_along_what_they_wrote(room: Room) -> None:
    room.discord.world.application.flags = AppFlag.MESSAGE_CONTENT
    said = room.discord.say("bob", "general", "@bot I grow tomatoes on a balcony.")
    await room.answer(said)
    await room.answer(room.discord.say("alice", "general", "@bot When should they be watered?", reply_to=said))
    assert said_before(room, 1)[-1] == "Bob: I grow tomatoes on a balcony."


async def test_a_direct_message_is_answered_and_the_next_one_knows_of_it(room: Room) -> None:
    alice = room.discord.who("alice")
    await room.answer(room.discord.say("alice", alice, ASKED))
    await room.answer(room.discord.say("alice", alice, FOLLOW_UP))
    assert ASKED in said_before(room, 1)


async def test_a_private_answer_is_seen_by_the_asker_alone_and_remembered_for_them_alone(room: Room) -> None:
    asked = room.command(ASKED, private=True)
    answer = await room.answer(asked)
    assert answer.only_for is asked.user
    await room.answer(room.command(BEES))
    await room.answer(room.command(BEES, user="bob", private=True))
    await room.answer(room.command(FOLLOW_UP, private=True))
    assert [ASKED in said_before(room, chat) for chat in (1, 2, 3)] == [False, False, True]


async def test_whoever_has_brought_the_bot_along_asks_it_in_any_server(room: Room) -> None:
    discord = room.discord
    discord.world.application.installed_by.append(discord.who("dave"))
    discord.remove_bot("initech")
    room.model.enqueue(Text("Water tomatoes early [1].\n\n" + "They want six hours of sun a day. " * 160))
    asked = discord.slash("dave", "lobby", "ask", question=ASKED)
    answer = await room.answer(asked)
    assert len(asked.messages) > 2
    assert answer is asked.messages[-1]
    assert room.refused() == []


async def test_more_than_such_an_answer_may_hold_ends_with_a_word_about_it(room: Room) -> None:
    discord = room.discord
    discord.world.application.installed_by.append(discord.who("dave"))
    discord.remove_bot("initech")
    room.model.enqueue(Text("Water tomatoes early [1].\n\n" + "They want six hours of sun a day. " * 480))
    asked = discord.slash("dave", "lobby", "ask", question=ASKED)
    answer = await room.answer(asked)
    assert len(asked.messages) == 6
    assert answer.content.endswith("Discord lets me write no more here.")


async def test_what_bots_webhooks_and_discord_write_is_no_question(room: Room) -> None:
    me = room.discord.bot.mention
    other = room.discord.world.user("helper", bot=True)
    room.discord.join(other, "acme")
    room.discord.mention(other, "general", ASKED)
    room.discord.by_webhook("news", "general", f"{me} {ASKED}")
    room.discord.system("alice", "general")
    room.discord.say("alice", "general", "When should I water tomatoes?")
    await room.settled()
    assert room.discord.said == []
    assert room.model.chats == []


async def test_a_mention_alone_is_greeted_with_examples_that_can_be_pressed(room: Room) -> None:
    asked = room.discord.say("alice", "general", "@bot")
    [greeting] = await room.until(lambda: room.since(asked))
    assert "Ask me something" in greeting.content
    pressed = greeting.buttons[0]
    click = room.discord.click("bob", greeting, pressed["custom_id"])
    answer = await room.answer(click)
    assert answer.reply_to is greeting
    assert room.questions() == [pressed["label"]]


async def test_ids_in_a_question_reach_the_posts_as_names(room: Room) -> None:
    bob, general = room.discord.who("bob"), room.discord.where("general")
    await room.answer(room.ask(f"What did {bob.mention} say in {general.mention} about bees?"))
    await room.answer(room.command(f"What did {bob.mention} say in {general.mention} about bees?"))
    assert room.questions() == ["What did @Bob say in #general about bees?"] * 2


async def test_what_the_posts_do_not_answer_is_said_with_the_nearest_posts(room: Room) -> None:
    answer = await room.answer(room.command(OFF_TOPIC))
    assert "-# **Nearest posts**" in answer.content
    assert room.model.chats == []


async def test_the_same_event_twice_is_one_answer(room: Room) -> None:
    room.discord.gateway.sessions.copies = 3
    asked, command = room.ask(ASKED), room.command(BEES, "random")
    await room.answer(asked)
    await room.answer(command)
    await room.settled()
    assert (len(room.since(asked)), len(room.since(command))) == (1, 1)
    assert len(room.model.chats) == 2


async def test_a_long_answer_goes_on_in_further_messages_with_its_sources_on_the_last(room: Room) -> None:
    block = "Bees live on honey [1]. " * 20 + "\n\n```python\n" + "print('honey')\n" * 12 + "```"
    room.model.enqueue(Text("\n\n".join([block] * 12), tokens_per_second=20_000))
    asked = room.ask("What do bees eat in winter?")
    await room.until(lambda: room.answers(asked), within=60)
    own = room.since(asked)
    assert len(own) > 3
    assert [is_whole(message) for message in own] == [False] * (len(own) - 1) + [True]
    assert all(len(message.content) <= 2_000 and message.content.count("```") % 2 == 0 for message in own)
    assert " ".join(" ".join(message.content for message in own).split()).count("Bees live on honey") == 12 * 20
    assert ["Sources" in message.content for message in own] == [False] * (len(own) - 1) + [True]


async def test_where_every_question_is_answered_none_needs_a_mention(
    discord: DiscordServer, model: OpenAIServer, settings: Settings
) -> None:
    discord.world.application.flags = AppFlag.MESSAGE_CONTENT
    channels = [
        {"platform": "discord", "id": str(discord.where(name).id), "mode": "every-question"}
        for name in ("general", "help")
    ]
    given = settings.model_dump(include={"redis_url", "sources", "openai_base_url"})
    async with create_bot(await asyncio.to_thread(partial(load_settings, **given, channels=channels))) as bot:
        await bot.read(lambda _: None)
        async with entered(discord, model, bot) as room:
            await room.answer(discord.say("alice", "general", ASKED))
            post = discord.forum_post("bob", "help", "When should tomatoes be watered?", "Mine are on a balcony.")
            assert post.starter
            in_thread = await room.answer(post.starter)
            assert in_thread.channel is post
            await room.answer(discord.say("bob", post, FOLLOW_UP))
            left_alone = [
                discord.say("alice", "random", ASKED),
                discord.say("alice", "general", f"{discord.who('bob').mention} when should I water tomatoes?"),
            ]
            await room.settled()
            assert [room.since(said) for said in left_alone] == [[], []]
            assert "When should tomatoes be watered?\nMine are on a balcony." in room.questions()


def said_before(room: Room, chat: int) -> list[str]:
    """The turns that the model was shown with a question."""
    return [str(message["content"]) for message in room.model.chats[chat].messages[1:-1]]
