"""The loopback Discord, through discord.py."""

import discord

from tests.servers.discord import DiscordServer, Flag
from tests.servers.discord.client import Bot, running


async def test_bot_answers_a_mention_and_edits_the_answer(server: DiscordServer) -> None:
    bot = Bot()

    @bot.event
    async def on_message(message: discord.Message) -> None:
        if bot.user in message.mentions:
            reply = await message.reply("Hm")
            await reply.edit(content="Yes")

    async with running(server, bot):
        asked = server.mention("alice", "general", "hello?")
        await server.until(lambda: [message.content for message in server.said] == ["Yes"])
    (reply,) = server.said
    assert (reply.reply_to, reply.edits, reply.mentions.users) == (asked, 1, (asked.author,))
    assert [revision.content for revision in reply.revisions] == ["Hm", "Yes"]


async def test_command_is_deferred_answered_and_followed_up(server: DiscordServer) -> None:
    bot = Bot()

    @bot.tree.command(description="Ask")
    async def ask(interaction: discord.Interaction, question: str) -> None:
        await interaction.response.defer(thinking=True)
        await interaction.edit_original_response(content=question[:3])
        await interaction.edit_original_response(content=question)
        await interaction.followup.send("More")

    async with running(server, bot):
        asked = server.slash("alice", "general", "ask", question="Why not?")
        await server.until(lambda: asked.follow_ups)
    assert asked.original and asked.latency is not None
    assert (asked.original.content, asked.original.type, asked.follow_ups[0].content) == ("Why not?", 20, "More")
    assert asked.original.edits == 1  # the response to a deferral is not an edit
    assert not asked.original.has(Flag.LOADING)


async def test_user_sends_the_bot_a_direct_message(server: DiscordServer) -> None:
    async with running(server, Bot()) as bot:
        said = server.say("bob", "bot", "psst")
        await bot.watch.until(lambda: bot.got("message"))
        (message,) = bot.got("message")
        assert (message.id, message.content, message.guild) == (said.id, "psst", None)
        await message.channel.send("Yes?")
    assert [message.content for message in said.channel.said] == ["psst", "Yes?"]
