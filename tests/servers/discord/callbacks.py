"""REST: interaction responses, due within three seconds, and follow-ups, allowed for 15 minutes."""

import time
from collections.abc import Iterable

from tests.servers.discord.components import check_modal
from tests.servers.discord.errors import ApiError, Form
from tests.servers.discord.http import Answer, Call, Route
from tests.servers.discord.interactions import Callback, Interaction, InteractionType
from tests.servers.discord.mentions import USERS_ONLY
from tests.servers.discord.message_rules import SETTABLE, flags_of
from tests.servers.discord.message_writer import MessageWriter
from tests.servers.discord.objects import Flag, Json, Message
from tests.servers.discord.payloads import message_json, user_json

ALLOWED = {
    InteractionType.COMMAND: {Callback.MESSAGE, Callback.DEFERRED, Callback.MODAL},
    InteractionType.COMPONENT: set(Callback) - {Callback.CHOICES},
    InteractionType.AUTOCOMPLETE: {Callback.CHOICES},
    InteractionType.MODAL: {Callback.MESSAGE, Callback.DEFERRED},
}
FROM_MODAL_OF_COMPONENT = {Callback.DEFERRED_UPDATE, Callback.UPDATE}


class Callbacks:
    """Routes that need no bot token: the interaction's own token authorizes them."""

    def __init__(self, writer: MessageWriter) -> None:
        self.writer, self.platform = writer, writer.platform

    def routes(self) -> Iterable[Route]:
        yield Route("POST", "/interactions/{interaction}/{token}/callback", self.respond, open=True)
        yield Route("POST", "/webhooks/{webhook}/{token}", self.follow_up, open=True)
        for name in ("@original", "{message}"):
            here = "/webhooks/{webhook}/{token}/messages/" + name
            yield Route("GET", here, self.get, open=True)
            yield Route("PATCH", here, self.edit, open=True)
            yield Route("DELETE", here, self.delete, open=True)

    # The first response.

    def respond(self, call: Call) -> Answer:
        interaction = self.platform.interactions.get(call.params["token"])
        if interaction is None or str(interaction.id) != call.params["interaction"]:
            raise ApiError(10062)
        if interaction.responded is not None:
            raise ApiError(40060)
        if interaction.age > self.platform.rules.first_response:
            raise ApiError(10062)
        kind = _kind(interaction, call.form.get("type"))
        data = call.part("data")
        self._act(interaction, kind, data, call)
        interaction.responded, interaction.callback = time.monotonic(), kind
        if call.query.get("with_response", "").lower() not in ("1", "true"):
            return 204, None
        return 200, _callback_json(interaction, kind)

    def _act(self, interaction: Interaction, kind: Callback, data: Json, call: Call) -> None:
        match kind:
            case Callback.MESSAGE:
                message = self._create(interaction, data, call, prefix="data")
                interaction.original = self.platform.post(message)
            case Callback.DEFERRED:
                interaction.original = self.platform.post(self._deferred_message(interaction, data))
            case Callback.DEFERRED_UPDATE:
                interaction.original = interaction.message
            case Callback.UPDATE:
                assert interaction.message
                self.writer.change(interaction.message, data, call, USERS_ONLY, prefix="data")
                interaction.original = interaction.message
            case Callback.CHOICES:
                interaction.choices = _choices(data)
            case Callback.MODAL:
                check_modal(data)
                interaction.modal = data

    def _create(self, interaction: Interaction, body: Json, call: Call, *, prefix: str = "",
                reply_to: Message | None = None) -> Message:  # fmt: skip
        message = self.writer.create(interaction.channel, body, call, USERS_ONLY, reply_to=reply_to, prefix=prefix,
                                        settable=SETTABLE | Flag.EPHEMERAL)  # fmt: skip
        return self._link(interaction, message)

    def _link(self, interaction: Interaction, message: Message) -> Message:
        """Link the message to its interaction. A response to a component replies to the component's message."""
        message.reply_to = message.reply_to or interaction.message
        message.type = 19 if message.reply_to else {1: 20}.get(interaction.data.get("type", 1), 23)
        message.ephemeral_to = interaction.user if message.ephemeral else None
        message.interaction = _metadata(interaction, message)
        return message

    def _deferred_message(self, interaction: Interaction, data: Json) -> Message:
        flags = Flag.LOADING | flags_of(data, "data") & Flag.EPHEMERAL
        store = self.platform.store
        return self._link(interaction, Message(store.snowflake(), interaction.channel, store.bot, flags=flags))

    # Authorized by the token.

    def _interaction(self, call: Call) -> Interaction:
        """Return an acknowledged interaction whose token has not expired."""
        interaction = self.platform.interactions.get(call.params["token"])
        ours = call.params["webhook"] == str(self.platform.store.application.id)
        if interaction is None or not ours:
            raise ApiError(10015)
        if interaction.age > self.platform.rules.token_lifetime:
            raise ApiError(50027)
        if interaction.responded is None:
            raise ApiError(10015)
        return interaction

    def _message(self, call: Call) -> tuple[Interaction, Message]:
        interaction = self._interaction(call)
        wanted = call.params.get("message")
        found = interaction.original
        if wanted is not None:
            found = next((one for one in interaction.messages if str(one.id) == wanted), None)
        if found is None or found.deleted:
            raise ApiError(10008)
        return interaction, found

    def follow_up(self, call: Call) -> Answer:
        """Send a message. The first one after a deferral edits the deferred response, which keeps its visibility."""
        interaction = self._interaction(call)
        original = interaction.original
        if original and original.loading:
            if original.deleted:
                raise ApiError(10008)
            return 200, message_json(self._edit(original, call))
        limited = interaction.by_user_install
        if limited and len(interaction.follow_ups) >= self.platform.rules.user_install_follow_ups:
            raise ApiError(40094)
        message = self._create(interaction, call.form, call, reply_to=original)
        interaction.follow_ups.append(self.platform.post(message))
        return 200, message_json(message)

    def _edit(self, message: Message, call: Call) -> Message:
        # The first edit of a deferral is its response, which is not shown as edited.
        return self.writer.change(message, call.form, call, USERS_ONLY, marked=not message.loading)

    def get(self, call: Call) -> Answer:
        return 200, message_json(self._message(call)[1])

    def edit(self, call: Call) -> Answer:
        return 200, message_json(self._edit(self._message(call)[1], call))

    def delete(self, call: Call) -> Answer:
        self.platform.remove(self._message(call)[1])
        return 204, None


def _kind(interaction: Interaction, kind: object) -> Callback:
    allowed = ALLOWED[interaction.type]
    if interaction.type == InteractionType.MODAL and interaction.message:
        allowed = allowed | FROM_MODAL_OF_COMPONENT
    form = Form()
    form.choice("type", kind, tuple(sorted(int(one) for one in allowed)))
    form.check()
    return next(one for one in allowed if one == kind)


def _choices(data: Json) -> list[Json]:
    form = Form("data")
    choices = data.get("choices")
    form.required("choices", choices, 25, 0)
    for index, choice in enumerate(choices if isinstance(choices, list) else ()):
        form.required(f"choices.{index}.name", choice.get("name"), 100)
        if isinstance(choice.get("value"), str):
            form.length(f"choices.{index}.value", choice["value"], 100)
        elif choice.get("value") is None:
            form.fault(f"choices.{index}.value", "BASE_TYPE_REQUIRED", "This field is required")
    form.check()
    return list(choices or ())


def _metadata(interaction: Interaction, message: Message) -> Json:
    data: Json = {"id": str(interaction.id), "type": int(interaction.type), "user": user_json(interaction.user),
                  "authorizing_integration_owners": interaction.owners}  # fmt: skip
    if interaction.type == InteractionType.COMMAND:
        data |= {"name": interaction.name, "command_type": interaction.data.get("type", 1)}
    if interaction.original and interaction.original is not message:
        data |= {"original_response_message_id": str(interaction.original.id)}
    if interaction.type == InteractionType.COMPONENT and interaction.message:
        data |= {"interacted_message_id": str(interaction.message.id)}
    if interaction.type == InteractionType.MODAL and interaction.opener:
        data |= {"triggering_interaction_metadata": _metadata(interaction.opener, message)}
    return data


def _callback_json(interaction: Interaction, kind: Callback) -> Json:
    summary: Json = {"id": str(interaction.id), "type": int(interaction.type)}
    resource: Json = {"type": int(kind)}
    if interaction.original:
        summary |= {"response_message_id": str(interaction.original.id),
                    "response_message_loading": interaction.original.loading,
                    "response_message_ephemeral": interaction.original.ephemeral}  # fmt: skip
    if kind in (Callback.MESSAGE, Callback.UPDATE) and interaction.original:
        resource |= {"message": message_json(interaction.original)}
    return {"interaction": summary, "resource": resource}
