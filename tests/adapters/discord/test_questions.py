"""Questions on Discord: acknowledged at once, answered once, where they were asked."""

import asyncio
from functools import partial
from itertools import pairwise

from bot.app import Bot, create_bot
from bot.config.loader import load_settings
from bot.config.settings import Settings
from tests.adapters.discord.harness import Harness, buttons, connected, is_whole
from tests.adapters.garden import ASKED, FOLLOW_UP, OFF_TOPIC
from tests.servers.discord import AppFlag, Callback, DiscordServer, Flag, Role
from tests.servers.openai import OpenAIServer, Text

BEES = "What do bees eat in winter?"


async def test_a_command_is_answered_with_footnotes_sources_and_buttons(harness: Harness) -> None:
    asked = harness.command(ASKED)
    answer = await harness.answer(asked)
    assert answer is asked.original
    assert "[[1]](<https://garden.example/tomatoes.md>)." in answer.content
    assert answer.content.endswith("[1] [Growing tomatoes on a balcony](<https://garden.example/tomatoes.md>)")
    assert list(buttons(answer)) == ["up", "down", "why"]
    assert harness.refused() == []


async def test_a_command_is_acknowledged_before_anything_else(harness: Harness) -> None:
    before = len(harness.discord.calls)
    asked = harness.command(ASKED)
    await harness.answer(asked)
    assert asked.callback is Callback.DEFERRED
    assert asked.latency is not None and asked.latency < 3
    assert harness.discord.calls[before].path.startswith(f"/interactions/{asked.id}/")


async def test_a_mention_is_answered_by_a_reply_after_a_typing_indicator(harness: Harness) -> None:
    before = len(harness.discord.calls)
    asked = harness.ask(ASKED)
    answer = await harness.answer(asked)
    assert answer.reply_to is asked
    assert harness.discord.calls[before].path == f"/channels/{asked.channel.id}/typing"
    await harness.settled()
    assert harness.since(asked) == [answer]
    assert harness.refused() == []


async def test_an_answer_grows_while_the_model_writes_it(harness: Harness) -> None:
    harness.model.enqueue(Text("Water tomatoes early in the morning [1]. " * 12, tokens_per_second=60))
    answer = await harness.answer(harness.command(ASKED))
    shown = [revision.content for revision in answer.revisions if revision.content]
    assert len(shown) > 2
    for shorter, longer in pairwise(shown):
        assert longer.startswith(shorter)


async def test_thoughts_that_were_taken_for_the_answer_are_taken_back(harness: Harness) -> None:
    thoughts = "The user asks about water. " * 100
    harness.model.enqueue(Text(f"{thoughts}\n</think>\n\nEarly in the morning [1].", tokens_per_second=400))
    asked = harness.ask(ASKED)
    answer = await harness.answer(asked)
    await harness.settled()
    assert harness.since(asked) == [answer]
    assert answer.content.startswith("Early in the morning [[1]]")
    assert any(revision.content.startswith("The user asks") for revision in answer.revisions)


async def test_answers_do_not_ping_people_or_preview_links(harness: Harness) -> None:
    alice = harness.discord.find_user("alice")
    hostile = (
        f"Ask @everyone, @here and {alice.mention}, see https://garden.example/ and ![x](https://garden.example/y)."
    )
    harness.model.enqueue(Text(hostile + " Water them early [1]."))
    answer = await harness.answer(harness.ask(ASKED, user="bob"))
    assert answer.pings == frozenset()
    assert answer.mentions.users == ()
    assert answer.has(Flag.SUPPRESS_EMBEDS)
    for call in harness.discord.calls:
        if isinstance(call.body, dict) and "content" in call.body:
            assert call.form["allowed_mentions"] == {"parse": [], "replied_user": False}
            assert call.form["flags"] & Flag.SUPPRESS_EMBEDS


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


async def test_a_user_who_installed_the_bot_can_ask_in_a_server_without_it(harness: Harness) -> None:
    discord = harness.discord
    discord.store.application.installed_by.append(discord.find_user("dave"))
    discord.remove_bot("initech")
    harness.model.enqueue(Text("Water tomatoes early [1].\n\n" + "They want six hours of sun a day. " * 160))
    asked = discord.slash("dave", "lobby", "ask", question=ASKED)
    answer = await harness.answer(asked)
    assert len(asked.messages) > 2
    assert answer is asked.messages[-1]
    assert harness.refused() == []


async def test_an_answer_beyond_the_limit_of_follow_ups_says_that_it_was_cut(harness: Harness) -> None:
    discord = harness.discord
    discord.store.application.installed_by.append(discord.find_user("dave"))
    discord.remove_bot("initech")
    harness.model.enqueue(Text("Water tomatoes early [1].\n\n" + "They want six hours of sun a day. " * 480))
    asked = discord.slash("dave", "lobby", "ask", question=ASKED)
    answer = await harness.answer(asked)
    assert len(asked.messages) == 6
    assert answer.content.endswith("Discord does not let me write more here.")


async def test_messages_of_bots_webhooks_and_discord_are_not_questions(harness: Harness) -> None:
    me = harness.discord.bot.mention
    other = harness.discord.store.user("helper", bot=True)
    harness.discord.join(other, "acme")
    harness.discord.mention(other, "general", ASKED)
    harness.discord.say_as_webhook("news", "general", f"{me} {ASKED}")
    harness.discord.system("alice", "general")
    harness.discord.say("alice", "general", "When should I water tomatoes?")
    await harness.settled()
    assert harness.discord.said == []
    assert harness.model.chats == []


async def test_a_mention_without_a_question_gets_examples_to_press(harness: Harness) -> None:
    asked = harness.discord.say("alice", "general", "@bot")
    [greeting] = await harness.until(lambda: harness.since(asked))
    assert "Ask me something" in greeting.content
    pressed = greeting.buttons[0]
    click = harness.discord.click("bob", greeting, pressed["custom_id"])
    answer = await harness.answer(click)
    assert answer.reply_to is greeting
    assert harness.questions() == [pressed["label"]]


async def test_mentions_in_a_question_are_searched_as_names(harness: Harness) -> None:
    bob, general = harness.discord.find_user("bob"), harness.discord.find_channel("general")
    await harness.answer(harness.ask(f"What did {bob.mention} say in {general.mention} about bees?"))
    await harness.answer(harness.command(f"What did {bob.mention} say in {general.mention} about bees?"))
    assert harness.questions() == ["What did @Bob say in #general about bees?"] * 2


async def test_an_unanswerable_question_gets_the_nearest_posts(harness: Harness) -> None:
    answer = await harness.answer(harness.command(OFF_TOPIC))
    assert "-# **Nearest posts**" in answer.content
    assert harness.model.chats == []


async def test_an_event_that_is_delivered_three_times_is_answered_once(harness: Harness) -> None:
    harness.discord.gateway.sessions.copies = 3
    asked, command = harness.ask(ASKED), harness.command(BEES, "random")
    await harness.answer(asked)
    await harness.answer(command)
    await harness.settled()
    assert (len(harness.since(asked)), len(harness.since(command))) == (1, 1)
    assert len(harness.model.chats) == 2


async def test_a_long_answer_spans_messages_with_its_sources_in_the_last(harness: Harness) -> None:
    block = "Bees live on honey [1]. " * 20 + "\n\n```python\n" + "print('honey')\n" * 12 + "```"
    harness.model.enqueue(Text("\n\n".join([block] * 12), tokens_per_second=20_000))
    asked = harness.ask("What do bees eat in winter?")
    await harness.until(lambda: harness.answers(asked), within=60)
    own = harness.since(asked)
    assert len(own) > 3
    assert [is_whole(message) for message in own] == [False] * (len(own) - 1) + [True]
    assert all(len(message.content) <= 2_000 and message.content.count("```") % 2 == 0 for message in own)
    assert " ".join(" ".join(message.content for message in own).split()).count("Bees live on honey") == 12 * 20
    assert ["Sources" in message.content for message in own] == [False] * (len(own) - 1) + [True]


async def test_a_long_answer_to_a_command_continues_without_a_refused_request(harness: Harness) -> None:
    harness.model.enqueue(Text("Bees live on honey [1]. " * 200, tokens_per_second=500))
    command = harness.command("What do bees eat in winter?")
    await harness.until(lambda: harness.answers(command), within=60)
    assert len(harness.since(command)) > 1
    assert harness.refused() == []


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


async def test_a_refusal_is_in_the_language_of_the_question(harness: Harness) -> None:
    answer = await harness.answer(harness.command("Wer hat 1974 die Fußballweltmeisterschaft gewonnen?"))
    assert answer.content.splitlines()[1].startswith("Meine Beiträge beantworten das nicht.")


async def test_small_talk_to_the_bot_gets_a_short_reply_without_buttons(harness: Harness) -> None:
    asked = harness.ask("Merci beaucoup !")
    [reply] = await harness.until(lambda: harness.since(asked))
    await harness.settled()
    assert reply.content == "Avec plaisir\u202f!"
    assert not buttons(reply)
    assert not harness.model.chats
