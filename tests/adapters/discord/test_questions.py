"""Questions on Discord: acknowledged at once, answered once, where they were asked."""

from itertools import pairwise

from tests.adapters.discord.harness import Harness, buttons, is_whole
from tests.adapters.garden import ASKED, OFF_TOPIC
from tests.servers.discord import Callback, Flag
from tests.servers.openai import Text

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
