"""The events that the bot listens to: each is acknowledged and claimed at once, and handled afterwards."""

from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import discord
import structlog

from adapters.discord.answer_writer import AnswerWriter
from adapters.discord.client import Client, Interaction
from adapters.discord.conversation import ConversationHandler
from adapters.discord.events import BodyKey, edit_time, read_message
from adapters.discord.interaction_handler import InteractionHandler
from adapters.discord.interactions import UserInteraction, acknowledge, parse_interaction, read_payload, to_payload
from adapters.discord.mentions import MentionResolver
from adapters.discord.messages import EXAMPLE, REASON, REASON_FIELD, read_form, reason_form
from adapters.discord.rest_api import RestApi
from core.chat.error_report import report_error
from core.chat.services import ChatServices
from core.events import Claim, Event
from core.i18n import translating_into
from core.telemetry import timed

log = structlog.get_logger()


class Listeners:
    """Receives events; its `dispatcher` handles them. Created after the login, when the bot's own id is known.

    An interaction's token is used for `token_lifetime`.
    """

    def __init__(
        self, client: Client, services: ChatServices, admins: frozenset[str], token_lifetime: timedelta
    ) -> None:
        if client.user is None:
            raise RuntimeError("listeners need a client that has logged in")
        self._bot_id = client.user.id
        self._admins = admins
        self._token_lifetime = token_lifetime
        api, bot_id = RestApi(client), str(client.user.id)
        mentions, answers = MentionResolver(client, api), AnswerWriter(api, services)
        self.dispatcher = services.dispatcher(self._handle)
        self._interactions = InteractionHandler(api, bot_id, services, mentions, answers)
        self._conversations = ConversationHandler(api, bot_id, services, self.dispatcher, mentions, answers)

    def register(self, client: Client) -> None:
        """Register all listeners except the commands."""
        for listener in (
            self.on_message,
            self.on_raw_message_edit,
            self.on_raw_message_delete,
            self.on_raw_bulk_message_delete,
            self.on_interaction,
        ):
            client.event(listener)
        client.on_press = self.on_press

    async def on_message(self, message: discord.Message) -> None:
        parsed = read_message(message, self._bot_id)
        if parsed:
            await _receive(self._conversations.on_written(parsed))

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Receive an edit, or another update such as a link preview, which is ignored."""
        at = edit_time(payload.data)
        parsed = read_message(payload.message, self._bot_id) if at else None
        if parsed:
            await _receive(self._conversations.on_edited(parsed, at))

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        await _receive(self._conversations.on_deleted(payload.channel_id, payload.message_id))

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        for message in payload.message_ids:
            await _receive(self._conversations.on_deleted(payload.channel_id, message))

    async def on_interaction(self, interaction: Interaction) -> None:
        """Receive a form; discord.py dispatches commands and buttons itself."""
        if interaction.type is discord.InteractionType.modal_submit and (form := read_form(interaction.data)):
            question_id, reason = form
            parsed = self._parse(interaction, REASON, subject=question_id, **{REASON_FIELD: reason})
            await self._receive_interaction(interaction, parsed, thinking=False)

    async def on_press(self, interaction: Interaction, action: str, subject: str, label: str) -> None:
        """Receive a button press. A form must be the first response, so it is opened here."""
        if action == REASON:
            await _open_form(interaction, subject)
            return
        parsed = self._parse(interaction, action, subject=label if action == EXAMPLE else subject)
        await self._receive_interaction(interaction, parsed, thinking=False)

    async def on_command(self, interaction: Interaction, action: str, *, private: bool, **options: Any) -> None:
        parsed = self._parse(interaction, action, private=private, **options)
        if action == "reindex" and not parsed.admin:  # will be refused, which concerns nobody else
            parsed = replace(parsed, target=replace(parsed.target, private=True))
        await self._receive_interaction(interaction, parsed, thinking=True)

    def _parse(self, interaction: Interaction, action: str, **fields: Any) -> UserInteraction:
        return parse_interaction(interaction, action, self._token_lifetime, self._admins, **fields)

    async def _receive_interaction(self, interaction: Interaction, parsed: UserInteraction, thinking: bool) -> None:
        with timed("acknowledge"):
            parsed = await acknowledge(interaction, parsed, thinking)
        await _receive(self.dispatcher.receive(Event(parsed.names, {BodyKey.INTERACTION: to_payload(parsed)})))

    async def _handle(self, event: Event, claim: Claim) -> None:
        match event.body:
            case {BodyKey.INTERACTION: payload}:
                await self._interactions.handle(read_payload(payload), claim)
            case body:
                await self._conversations.handle(body, claim)


async def _receive(receiving: Awaitable[object]) -> None:
    try:
        await receiving
    except Exception as error:  # Boundary: one failed event must not stop the next.
        report_error("event claim failed", error)


async def _open_form(interaction: Interaction, question_id: str) -> None:
    with translating_into(str(interaction.locale)):
        form = reason_form(question_id)
    try:
        await interaction.response.send_modal(form)
    except (discord.HTTPException, discord.InteractionResponded, aiohttp.ClientError, OSError) as error:
        log.warning("form could not be opened", cause=str(error))
