"""Interactions: what is delivered, how the bot may respond, and how long it has."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import discord
import pytest
from discord import app_commands
from discord.http import Route
from discord.webhook.async_ import async_context, interaction_response_params

from tests.servers.discord import Callback, CannotDo, DiscordServer, Flag, Interaction, Rules
from tests.servers.discord_bot import Bot, running

EPHEMERAL = {"flags": int(Flag.EPHEMERAL)}


class Asked(Bot):
    """A bot that lets the test respond: it only keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.tree.add_command(app_commands.Command(name="ask", description="Ask", callback=keep))

    async def asked(self, number: int = 0) -> discord.Interaction:
        return await self.watch.until(lambda: (self.got("interaction") + [None] * 9)[number])  # type: ignore[no-any-return]


async def keep(interaction: discord.Interaction, question: str) -> None:
    """The test responds."""


@pytest.fixture
async def bot(server: DiscordServer) -> AsyncIterator[Asked]:
    async with running(server, Asked()) as bot:
        yield bot  # type: ignore[misc]


def ask(server: DiscordServer, **more: Any) -> Interaction:
    return server.slash("alice", "general", "ask", question="Why?", **more)


async def respond(interaction: discord.Interaction, kind: int, data: dict[str, Any] | None = None) -> Any:
    """A first response as raw as one likes."""
    return await async_context.get().create_interaction_response(
        interaction.id, interaction.token, session=interaction._session,
        params=interaction_response_params(kind, data),
    )  # fmt: skip


async def test_the_payload_says_who_where_and_what_they_may(server: DiscordServer, bot: Asked) -> None:
    happened = ask(server)
    interaction = await bot.asked()
    assert isinstance(interaction.user, discord.Member)
    assert (interaction.user.name, interaction.channel and interaction.channel.id) == ("alice", happened.channel.id)
    assert interaction.permissions.manage_guild
    assert interaction.app_permissions.send_messages
    assert not interaction.app_permissions.manage_messages
    assert (interaction.locale, interaction.guild_locale) == (discord.Locale.american_english,) * 2
    assert (interaction.context.guild, interaction.is_guild_integration()) == (True, True)
    assert happened.payload["entitlements"] == []
    server.slash("bob", "general", "ask", question="?")
    assert not (await bot.asked(1)).permissions.manage_guild
    alone = server.slash("bob", server.who("bob"), "ask", question="?")
    interaction = await bot.asked(2)
    assert (interaction.guild, interaction.context.dm_channel, alone.owners) == (None, True, {"0": "0"})


async def test_an_interaction_is_acknowledged_once(server: DiscordServer, bot: Asked) -> None:
    happened = ask(server)
    interaction = await bot.asked()
    await interaction.response.send_message("x")
    with pytest.raises(discord.HTTPException) as caught:
        await respond(interaction, 4, {"content": "y"})
    assert (caught.value.status, caught.value.code) == (400, 40060)
    assert happened.callback == Callback.MESSAGE
    assert happened.original and happened.original.content == "x"


@pytest.mark.parametrize("late", [0.0, 0.1])
async def test_three_seconds_are_enough_for_a_first_response_and_no_more(late: float) -> None:
    async with DiscordServer(rules=Rules(first_response=0.05)) as server, running(server, Asked()) as bot:
        happened = ask(server, late=late)
        interaction = await bot.asked()  # type: ignore[attr-defined]
        if not late:
            await interaction.response.defer()
            return
        with pytest.raises(discord.NotFound) as caught:
            await interaction.response.defer()
        assert (caught.value.code, happened.responded) == (10062, None)


@pytest.mark.parametrize("part", ["id", "token"])
async def test_an_interaction_that_does_not_exist_is_unknown(server: DiscordServer, bot: Asked, part: str) -> None:
    ask(server)
    interaction = await bot.asked()
    setattr(interaction, part, {"id": 1, "token": "no"}[part])
    with pytest.raises(discord.NotFound, match="10062"):
        await respond(interaction, 5)


async def test_nothing_follows_before_the_first_response(server: DiscordServer, bot: Asked) -> None:
    ask(server)
    interaction = await bot.asked()
    for action in (interaction.followup.send("x"), interaction.edit_original_response(content="x")):
        with pytest.raises(discord.NotFound, match="10015"):
            await action


async def test_a_token_lives_fifteen_minutes() -> None:
    async with DiscordServer(rules=Rules(token_lifetime=0.2)) as server, running(server, Asked()) as bot:
        happened = ask(server)
        interaction = await bot.asked()  # type: ignore[attr-defined]
        await interaction.response.send_message("x")
        await asyncio.sleep(max(0, 0.21 - happened.age))
        for action in (interaction.followup.send("y"), interaction.edit_original_response(content="y")):
            with pytest.raises(discord.HTTPException) as caught:
                await action
            assert (caught.value.status, caught.value.code) == (401, 50027)


@pytest.mark.parametrize("private", [True, False])
async def test_whether_only_one_sees_it_is_settled_at_the_deferral(
    server: DiscordServer, bot: Asked, private: bool
) -> None:
    happened = ask(server)
    interaction = await bot.asked()
    await interaction.response.defer(thinking=True, ephemeral=private)
    original = happened.original
    assert original and (original.loading, original.ephemeral) == (True, private)
    await interaction.followup.send("x", ephemeral=not private)
    assert (happened.original, happened.follow_ups, original.content) == (original, [], "x")
    assert (original.loading, original.ephemeral, original.edits) == (False, private, 0)
    await interaction.followup.send("y", ephemeral=not private)
    assert [message.ephemeral for message in happened.messages] == [private, not private]
    assert happened.follow_ups[0].reply_to is original


async def test_an_ephemeral_message_is_in_no_channel(server: DiscordServer, bot: Asked) -> None:
    happened = ask(server)
    interaction = await bot.asked()
    await interaction.response.send_message("x", ephemeral=True)
    original = happened.original
    assert original and original.only_for is happened.user
    assert [message async for message in interaction.channel.history()] == []  # type: ignore[union-attr]
    message = interaction.channel.get_partial_message(original.id)  # type: ignore[union-attr]
    with pytest.raises(discord.NotFound, match="10008"):
        await message.edit(content="y")
    await bot.watch.until(lambda: bot.got("message"))
    assert bot.got("message")[0].guild is None  # Discord tells of it as of a direct message
    await interaction.edit_original_response(content="y")
    assert original.content == "y"
    with pytest.raises(CannotDo):
        server.click("bob", original, "a")
    server.delete(original)
    with pytest.raises(discord.NotFound, match="10008"):
        await interaction.edit_original_response(content="z")


async def test_responses_answer_without_any_permission_in_the_channel(server: DiscordServer, bot: Asked) -> None:
    happened = ask(server)
    interaction = await bot.asked()
    server.permit("general", server.bot, deny=(1 << 10) | (1 << 11))
    await interaction.response.send_message("x")
    await interaction.followup.send("y")
    assert [message.content for message in happened.messages] == ["x", "y"]


async def test_interactions_notify_people_only_unless_told_otherwise(server: DiscordServer, bot: Asked) -> None:
    server.permit("general", server.bot, allow=1 << 17)
    happened = ask(server)
    interaction = await bot.asked()
    bob = server.who("bob").mention
    await interaction.response.send_message(f"@everyone {bob}")
    everyone = discord.AllowedMentions.all()
    await interaction.followup.send(f"@everyone {bob}", allowed_mentions=everyone)
    assert [message.pings for message in happened.messages] == [{bob}, {bob, "everyone"}]


@pytest.mark.parametrize(
    ("kind", "data", "code"),
    [
        (4, {"content": "x" * 2001}, 50035),
        (4, {"content": ""}, 50006),
        (4, {"content": "x", "components": [{"type": 2}]}, 50035),
        (6, None, 50035),
        (8, {"choices": []}, 50035),
        (10, None, 50035),
        (9, {"title": "t" * 46, "custom_id": "m", "components": []}, 50035),
        (9, {"title": "t", "custom_id": "", "components": [{"type": 1, "components": []}]}, 50035),
        (9, {"title": "t", "custom_id": "m", "components": []}, 50035),
    ],
)
async def test_a_bad_response_is_refused_and_does_not_count(
    server: DiscordServer, bot: Asked, kind: int, data: dict[str, Any] | None, code: int
) -> None:
    happened = ask(server)
    interaction = await bot.asked()
    with pytest.raises(discord.HTTPException) as caught:
        await respond(interaction, kind, data)
    assert (caught.value.status, caught.value.code, happened.responded) == (400, code, None)
    await respond(interaction, 5)


async def test_a_deferral_sets_nothing_but_who_sees_it(server: DiscordServer, bot: Asked) -> None:
    happened = ask(server)
    told = await respond(await bot.asked(), 5, {"flags": int(Flag.EPHEMERAL | Flag.SUPPRESS_EMBEDS)})
    assert happened.original and happened.original.flags == Flag.LOADING | Flag.EPHEMERAL
    assert told["interaction"] | {"id": 0, "response_message_id": 0} == {
        "id": 0, "type": 2, "response_message_id": 0, "response_message_loading": True,
        "response_message_ephemeral": True,
    }  # fmt: skip


async def test_a_response_is_told_back_only_when_asked_for(server: DiscordServer, bot: Asked) -> None:
    ask(server)
    interaction = await bot.asked()
    path = "/interactions/{webhook_id}/{webhook_token}/callback"
    route = Route("POST", path, webhook_id=interaction.id, webhook_token=interaction.token)
    assert await bot.http.request(route, json={"type": 5}) == ""
    assert server.calls[-1].status == 204


class Buttons(discord.ui.View):
    """What each kind of response to a button does."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Update", custom_id="update")
    async def update(self, interaction: discord.Interaction, _: Any) -> None:
        await interaction.response.edit_message(content="updated")

    @discord.ui.button(label="Later", custom_id="later")
    async def later(self, interaction: discord.Interaction, _: Any) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content="later")

    @discord.ui.button(label="Answer", custom_id="answer")
    async def answer(self, interaction: discord.Interaction, _: Any) -> None:
        await interaction.response.send_message("answered", ephemeral=True)

    @discord.ui.button(label="Form", custom_id="form")
    async def form(self, interaction: discord.Interaction, _: Any) -> None:
        await interaction.response.send_modal(Form())

    @discord.ui.select(custom_id="menu", options=[discord.SelectOption(label="One", value="1")])
    async def menu(self, interaction: discord.Interaction, chosen: discord.ui.Select[Any]) -> None:
        await interaction.response.edit_message(content=chosen.values[0])


class Form(discord.ui.Modal, title="Form"):
    text = discord.ui.TextInput[Any](label="Text", custom_id="text", max_length=5)

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"got {self.text.value}")


@pytest.mark.parametrize(("custom_id", "content"), [("update", "updated"), ("later", "later"), ("menu", "1")])
async def test_a_button_changes_its_message(server: DiscordServer, bot: Asked, custom_id: str, content: str) -> None:
    await bot.get_channel(server.where("general").id).send("x", view=Buttons())  # type: ignore[union-attr]
    (message,) = server.said
    values = ["1"] if custom_id == "menu" else None
    happened = server.click("bob", message, custom_id, values=values)
    await server.until(lambda: message.content == content)
    assert happened.original is message
    assert server.said == [message]


async def test_a_button_answers_beside_its_message(server: DiscordServer, bot: Asked) -> None:
    await bot.get_channel(server.where("general").id).send("x", view=Buttons())  # type: ignore[union-attr]
    happened = server.click("bob", server.said[0], "answer")
    original = await server.until(lambda: happened.original)
    assert (original.reply_to, original.ephemeral, original.type) == (server.said[0], True, 19)


async def test_a_form_is_opened_filled_and_sent(server: DiscordServer, bot: Asked) -> None:
    await bot.get_channel(server.where("general").id).send("x", view=Buttons())  # type: ignore[union-attr]
    opened = server.click("bob", server.said[0], "form")
    await server.until(lambda: opened.modal)
    for wrong in ({"text": "too long"}, {"text": ""}, {"text": "x", "other": "y"}):
        with pytest.raises(CannotDo):
            server.submit(opened, wrong)
    sent = server.submit(opened, {"text": "hello"})
    await server.until(lambda: sent.original)
    assert sent.original and sent.original.content == "got hello"


async def test_choices_come_while_somebody_types(server: DiscordServer) -> None:
    bot = Bot()

    @bot.tree.command(description="Ask")
    async def topic(interaction: discord.Interaction, name: str) -> None:
        """Never called here."""

    @topic.autocomplete("name")
    async def suggest(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=current * 2, value=current)] * (26 if current == "many" else 1)

    async with running(server, bot):
        suggestions = await server.autocomplete("alice", "general", "topic", "name", "ab")
        assert suggestions.choices == [{"name": "abab", "value": "ab"}]
        assert suggestions.latency < 1
        with pytest.raises(TimeoutError):
            await server.autocomplete("alice", "general", "topic", "name", "many", within=0.2)
        assert server.calls[-1].code == 50035


async def test_people_who_brought_the_app_themselves_get_five_follow_ups(server: DiscordServer) -> None:
    server.world.application.for_users = True
    alice = server.who("alice")
    server.world.application.installed_by.append(alice)
    elsewhere = server.world.channel(server.world.guild("elsewhere", members=(alice,), with_bot=False), "out")
    async with running(server, Asked()) as bot:
        happened = server.slash("alice", elsewhere, "ask", question="Why?")
        assert happened.owners == {"1": str(alice.id)}
        interaction = await bot.asked()  # type: ignore[attr-defined]
        await interaction.response.send_message("0")
        for number in range(5):
            await interaction.followup.send(str(number))
        with pytest.raises(discord.HTTPException, match="40094"):
            await interaction.followup.send("6")


Build = Callable[[Bot], None]


def with_permission(bot: Bot) -> None:
    @bot.tree.command(description="For managers")
    @app_commands.default_permissions(manage_guild=True)
    async def manage(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("done")


def in_guilds(bot: Bot) -> None:
    @bot.tree.command(description="In guilds")
    @app_commands.guild_only()
    async def manage(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("done")


def in_group(bot: Bot) -> None:
    group = app_commands.Group(name="faq", description="Questions")

    @group.command(description="Add")
    @app_commands.choices(kind=[app_commands.Choice(name="One", value=1)])
    async def add(
        interaction: discord.Interaction, kind: app_commands.Choice[int], who: discord.Member,
        where: discord.TextChannel, words: app_commands.Range[str, 2, 5] = "ab",
    ) -> None:  # fmt: skip
        await interaction.response.send_message(f"{kind.value} {who.name} {where.name} {words}")

    bot.tree.add_command(group)


@pytest.mark.parametrize(
    ("build", "user", "channel", "name", "options"),
    [
        (with_permission, "bob", "general", "manage", {}),
        (with_permission, "alice", "general", "nothing", {}),
        (in_guilds, "alice", "alice", "manage", {}),
        (in_group, "alice", "general", "faq", {}),
        (in_group, "alice", "general", "faq remove", {}),
        (in_group, "alice", "general", "faq add", {"kind": 1}),
        (in_group, "alice", "general", "faq add", {"kind": 2, "who": "bob", "where": "random"}),
        (in_group, "alice", "general", "faq add", {"kind": 1, "who": "bob", "where": "help"}),
        (in_group, "alice", "general", "faq add", {"kind": 1, "who": "bob", "where": "random", "words": "a"}),
        (in_group, "alice", "general", "faq add", {"kind": 1, "who": "bob", "where": "random", "x": "a"}),
    ],
)
async def test_people_cannot_use_what_is_not_offered_to_them(
    server: DiscordServer, build: Build, user: str, channel: str, name: str, options: dict[str, Any]
) -> None:
    bot = Bot()
    build(bot)
    known = {"who": server.who, "where": server.where}
    options = {key: known[key](value) if key in known else value for key, value in options.items()}
    async with running(server, bot):
        with pytest.raises(CannotDo):
            server.slash(user, channel, name, **options)
    assert server.interactions == []


async def test_subcommands_take_resolved_options(server: DiscordServer) -> None:
    bot = Bot()
    in_group(bot)
    with_permission(bot)
    options = {"kind": 1, "who": server.who("bob"), "where": server.where("random")}
    async with running(server, bot):
        happened = server.slash("alice", "general", "faq add", **options)
        original = await server.until(lambda: happened.original)
        assert (original.content, happened.name) == ("1 bob random ab", "faq add")
        happened = server.slash("bob", "general", "manage", permitted=True)
        await server.until(lambda: happened.original)


async def test_context_menus_get_their_target_with_its_content(server: DiscordServer) -> None:
    bot = Bot()

    @bot.tree.context_menu(name="Quote it")
    async def quote(interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(message.content)

    async with running(server, bot):
        happened = server.use_on("alice", server.say("bob", "general", "words"), "Quote it")
        original = await server.until(lambda: happened.original)
        assert (original.content, original.type) == ("words", 23)


async def test_a_guilds_own_command_hides_the_global_one(server: DiscordServer) -> None:
    bot = Asked()
    acme = discord.Object(server.guild("acme").id)

    @bot.tree.command(name="ask", description="Ours", guild=acme)
    async def ours(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("ours")

    async with running(server, bot):
        await bot.tree.sync(guild=acme)
        happened = server.slash("alice", "general", "ask")
        await server.until(lambda: happened.original)
        server.slash("alice", "lobby", "ask", question="?")
        assert server.commands.syncs == {None: 1, acme.id: 1}
