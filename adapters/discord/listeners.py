"""What the bot listens to, in plain sight, and what is done at once with it: it is acknowledged and taken, and handled
afterwards."""

from collections.abc import Awaitable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import aiohttp
import discord
import structlog

from adapters.discord.answer_session import AnswerSessions
from adapters.discord.autocomplete import Autocomplete
from adapters.discord.client import Client, Interaction
from adapters.discord.conversation import ConversationHandler
from adapters.discord.events import corrected_at, read_message
from adapters.discord.forms import ReasonForm, read_form
from adapters.discord.interaction_handler import InteractionHandler
from adapters.discord.interactions import UserInteraction, acknowledge, parse_interaction, read_payload
from adapters.discord.mentions import MentionResolver
from adapters.discord.messages import EXAMPLE, REASON
from adapters.discord.rest_api import RestApi
from core.chat.event_dispatcher import EventDispatcher
from core.chat.services import ChatServices
from core.domain import Claim, Event
from core.errors import to_footnoted_error
from core.telemetry import timed

log = structlog.get_logger()


class Listeners:
    """Takes what Discord delivers; `handling` does the rest. Made after the login, when the bot knows its own id.

    `token_lasts` is for how long an interaction's token is used.
    """

    def __init__(self, client: Client, desk: ChatServices, admins: frozenset[str], token_lasts: timedelta) -> None:
        if client.user is None:
            raise RuntimeError("the bot listens after it has logged in")
        self._me = client.user.id
        self._admins = admins
        self._token_lasts = token_lasts
        calls = RestApi(client)
        names, answering = MentionResolver(client, calls), AnswerSessions(calls, desk)
        self.handling = EventDispatcher(desk.once, self._handle)
        self._suggesting = Autocomplete(desk)
        self._doing = InteractionHandler(calls, str(self._me), desk, names, answering)
        self._conversing = ConversationHandler(calls, str(self._me), desk, self.handling, names, answering)

    def register(self, client: Client) -> None:
        """Everything that the client listens to, beside its commands."""
        for listener in (
            self.on_message,
            self.on_raw_message_edit,
            self.on_raw_message_delete,
            self.on_raw_bulk_message_delete,
            self.on_interaction,
        ):
            client.event(listener)
        client.press = self.press

    async def on_message(self, message: discord.Message) -> None:
        """Somebody has written where the bot can see it."""
        said = read_message(message, self._me)
        if said:
            await _heard(self._conversing.hear(said))

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """A message is not what it was; or Discord has added a preview to it."""
        at = corrected_at(payload.data)
        said = read_message(payload.message, self._me) if at else None
        if said:
            await _heard(self._conversing.hear_correction(said, at))

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        await _heard(self._conversing.hear_removal(payload.channel_id, payload.message_id))

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        for message in payload.message_ids:
            await _heard(self._conversing.hear_removal(payload.channel_id, message))

    async def on_interaction(self, interaction: Interaction) -> None:
        """A form was sent; commands and buttons find their way by their names."""
        if interaction.type is discord.InteractionType.modal_submit and (form := read_form(interaction.data)):
            subject, reason = form
            deed = self._read(interaction, REASON, subject=subject, **{REASON: reason})
            await self._take(interaction, deed, thinking=False)

    async def press(self, interaction: Interaction, act: str, subject: str, label: str) -> None:
        """Somebody has pressed a button. A form has to be the first response, so it is opened right here."""
        if act == REASON:
            await _open(interaction, ReasonForm(subject))
            return
        deed = self._read(interaction, act, subject=label if act == EXAMPLE else subject)
        await self._take(interaction, deed, thinking=False)

    async def take(self, interaction: Interaction, act: str, *, private: bool, subject: str = "", **what: Any) -> None:
        """Somebody has used a command: that it was heard is the first thing that they see."""
        deed = self._read(interaction, act, private=private, subject=subject, **what)
        await self._take(interaction, deed, thinking=True)

    async def suggest_questions(self, interaction: Interaction, typed: str) -> list[str]:
        place = self._read(interaction, "suggest").place.conversation
        return await self._suggesting.questions(typed, place)

    async def suggest_sources(self, interaction: Interaction, typed: str) -> list[str]:
        return await self._suggesting.sources(typed)

    def _read(self, interaction: Interaction, act: str, **what: Any) -> UserInteraction:
        return parse_interaction(interaction, act, self._token_lasts, self._admins, **what)

    async def _take(self, interaction: Interaction, deed: UserInteraction, thinking: bool) -> None:
        with timed("acknowledge"):
            deed = await acknowledge(interaction, deed, thinking)
        await _heard(self.handling.receive(Event(deed.names, {"deed": asdict(deed)})))

    async def _handle(self, event: Event, taken: Claim) -> None:
        match event.body:
            case {"deed": deed}:
                await self._doing.do(read_payload(deed), taken)
            case body:
                await self._conversing.handle(body, taken)


async def _heard(hearing: Awaitable[object]) -> None:
    try:
        await hearing
    except Exception as error:  # a door: behind it other events are coming
        known = to_footnoted_error(error)
        log.error("an event could not be taken", error_id=known.id, cause=str(known), exc_info=error)


async def _open(interaction: Interaction, form: ReasonForm) -> None:
    try:
        await interaction.response.send_modal(form)
    except (discord.HTTPException, discord.InteractionResponded, aiohttp.ClientError, OSError) as error:
        log.warning("a form could not be opened", cause=str(error))
