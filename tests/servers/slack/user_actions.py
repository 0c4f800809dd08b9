"""Users' commands, clicks, modals, the app home and the stop button."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.servers.slack.calls import ApiError
from tests.servers.slack.deliveries import Deliveries, Delivery, Kind
from tests.servers.slack.objects import Channel, Json, Message, User
from tests.servers.slack.payloads import message_payload
from tests.servers.slack.responses import Responses, ResponseUrl
from tests.servers.slack.rules import BOT_SCOPES, Rules
from tests.servers.slack.streams import Stream, Streams
from tests.servers.slack.user_messages import UserMessages
from tests.servers.slack.views import Modal, Views, checked_view


@dataclass(slots=True)
class Interaction:
    """A command or click. `complaint` is the error that Slack shows the user if the app fails to answer."""

    delivery: Delivery
    trigger_id: str
    response_url: ResponseUrl | None = None
    complaint: str | None = None


class UserActions(UserMessages):
    """Users' commands, clicks and modals, and the app's responses to them."""

    def __init__(self, rules: Rules | None = None, *, scopes: frozenset[str] = BOT_SCOPES) -> None:
        super().__init__(rules, scopes=scopes)
        self.complaints: list[str] = []
        self.deliveries = Deliveries(self)
        self.responses = Responses(self)
        self.views = Views(self.responses)
        self.streams = Streams()

    def deliver(self, kind: Kind, payload: Json, then: Callable[[Delivery], None] | None = None) -> Delivery:
        """Deliver in the background, then call `then`."""
        raise NotImplementedError

    def slash(self, user: User | str, channel: Channel | str, command: str, text: str = "") -> Interaction:
        """Run a slash command in a channel, which the app need not be in. Slack offers none in threads."""
        user, channel = self.find_user(user), self.find_channel(channel)
        url, trigger = self.responses.url(user, channel.id), self.responses.trigger(user)
        team = self.store.teams[channel.team]
        payload = {
            "token": "verification-token",
            "team_id": team.id,
            "team_domain": team.domain,
            "channel_id": channel.id,
            "channel_name": _name_of(channel),
            "user_id": user.id,
            "user_name": user.name,
            "command": command,
            "text": text,
            "api_app_id": self.app.id,
            "is_enterprise_install": "false",
            "response_url": self._address(url),
            "trigger_id": trigger,
        }
        return self._interact("slash_commands", payload, trigger, url)

    def click(self, user: User | str, message: Message, action_id: str, value: str | None = None) -> Interaction:
        """Click a button. For feedback buttons, `value` selects one; "positive" and "negative" work as well."""
        user, channel = self.find_user(user), self.store.channels[message.channel]
        action = _action(message, action_id, value) | {"action_ts": self.store.ts()}
        url, trigger = self.responses.url(user, channel.id, message), self.responses.trigger(user)
        ephemeral = message.ephemeral_to is not None
        container = {"type": "message", "message_ts": message.ts, "channel_id": channel.id, "is_ephemeral": ephemeral}
        payload: Json = self._interactive("block_actions", user, trigger)
        payload |= {"container": container | ({"thread_ts": message.thread_ts} if message.thread_ts else {})}
        payload |= {"channel": {"id": channel.id, "name": _name_of(channel)}, "state": {"values": {}}}
        payload |= {"response_url": self._address(url), "actions": [action]}
        if not ephemeral:  # Slack does not store ephemeral messages
            payload["message"] = message_payload(message)
        return self._interact("interactive", payload, trigger, url)

    def submit(self, modal: Modal, values: Mapping[str, str] | None = None) -> Interaction:
        """Submit a modal with `values` by block_id."""
        return self._view_event("view_submission", modal, values or {})

    def close(self, modal: Modal) -> Interaction | None:
        """Close a modal; the app gets an event if the view has `notify_on_close`."""
        modal.open = False
        return self._view_event("view_closed", modal, {}) if modal.view.get("notify_on_close") else None

    def _view_event(self, kind: str, modal: Modal, values: Mapping[str, str]) -> Interaction:
        installation = self.installed(modal.user.team)
        assert installation
        trigger = self.responses.trigger(modal.user)
        view = modal.shape(installation)
        view["state"] = {"values": _state(view["blocks"], values)}
        payload = self._interactive(kind, modal.user, trigger) | {"view": view}
        extra: Json = {"response_urls": []} if kind == "view_submission" else {"is_cleared": False}
        payload |= extra
        return self._interact("interactive", payload, trigger)

    def open_app_home(self, user: User | str, tab: str = "messages", context: Json | None = None) -> Channel:
        """Open the app's home; an agent's messages tab starts a conversation."""
        user, channel = self.find_user(user), self.direct(user)
        event: Json = {"type": "app_home_opened", "user": user.id, "channel": channel.id, "tab": tab}
        event |= {"event_ts": self.store.ts()} | ({"context": context} if context is not None else {})
        self.dispatch(event, channel.team, channel)
        return channel

    def view_channel(self, user: User | str, channel: Channel | str) -> None:
        """Open a channel beside the app: `app_context_changed`."""
        user, channel, seen = self.find_user(user), self.direct(user), self.find_channel(channel)
        entities = [{"type": "slack#/types/channel_id", "value": seen.id, "team_id": seen.team}]
        event: Json = {"type": "app_context_changed", "user": user.id, "channel": channel.id}
        self.dispatch(event | {"context": {"entities": entities}, "event_ts": self.store.ts()}, channel.team, channel)

    def start_assistant_thread(self, user: User | str, seen: Channel | str | None = None) -> Message:
        """Open a thread in the older assistant view, with the channel that the user is viewing."""
        user, channel = self.find_user(user), self.direct(user)
        root = Message(self.store.ts(), channel.id, channel.team, "USLACKBOT", "New Assistant Thread")
        root.subtype = "assistant_app_thread"
        self.store.messages.append(root)
        context = {"channel_id": self.find_channel(seen).id, "team_id": channel.team} if seen else {}
        thread = {"user_id": user.id, "context": context, "channel_id": channel.id, "thread_ts": root.ts}
        event: Json = {"type": "assistant_thread_started", "assistant_thread": thread, "event_ts": self.store.ts()}
        self.dispatch(event, channel.team, channel)
        return root

    def stop_stream(self, user: User | str, message: Message) -> list[Stream]:
        """Press "Stop": Slack ends the thread's streams and sends the app their ids."""
        channel = self.store.channels[message.channel]
        stopped = self.streams.open_in(channel.id, message.root)
        for stream in stopped:
            self.streams.close(stream, "stopped_by_user")
        event: Json = {"type": "agent_session_stopped", "user": self.find_user(user).id, "channel": channel.id}
        event |= {"thread_ts": message.root, "streaming_message_ts": [stream.message.ts for stream in stopped]}
        self.dispatch(event | {"event_ts": self.store.ts()}, channel.team, channel)
        self.changed()
        return stopped

    # Responses.

    def answered(self, interaction: Interaction) -> None:
        """Show the response in the app's acknowledgement, or Slack's error."""
        delivery = interaction.delivery
        if not delivery.acknowledged:
            late = any(attempt.failure in ("timeout", "http_timeout") for attempt in delivery.attempts)
            interaction.complaint = "operation_timeout" if late else "dispatch_failed"
            self.complaints.append(f"{delivery.payload.get('command', 'It')} failed with: {interaction.complaint}")
            return
        if "view" in delivery.payload:
            self._answer_view(delivery)
        elif interaction.response_url and delivery.kind == "slash_commands" and delivery.response:
            body = delivery.response if isinstance(delivery.response, dict) else {"text": str(delivery.response)}
            try:
                self.responses.respond(interaction.response_url, body)
            except ApiError as refused:
                interaction.complaint = refused.error

    def _answer_view(self, delivery: Delivery) -> None:
        modal, answer = self.views.modals[delivery.payload["view"]["id"]], delivery.response or {}
        match answer.get("response_action"):
            case "errors":
                modal.errors = answer.get("errors")
            case "update":
                self.views.show(modal, checked_view(answer.get("view")))
            case _:
                modal.open = False

    # Payloads.

    def _interact(self, kind: Kind, payload: Json, trigger: str, url: ResponseUrl | None = None) -> Interaction:
        delivery = self.deliver(kind, payload, lambda _: self.answered(interaction))
        interaction = Interaction(delivery, trigger, url)
        return interaction

    def _interactive(self, kind: str, user: User, trigger: str) -> Json:
        team = self.store.teams[user.team]
        user_json = {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team}
        payload: Json = {"type": kind, "team": {"id": team.id, "domain": team.domain}, "user": user_json}
        payload |= {"api_app_id": self.app.id, "token": "verification-token", "trigger_id": trigger}
        return payload | {"enterprise": None, "is_enterprise_install": False}

    def _address(self, url: ResponseUrl) -> str:
        return f"{self.origin}/response/{url.id}"


def _name_of(channel: Channel) -> str:
    return {"im": "directmessage", "group": "privategroup"}.get(channel.kind, channel.name)


def _action(message: Message, action_id: str, value: str | None) -> Json:
    """Return the action payload of a click on the element."""
    for block in message.blocks:
        elements = [*block.get("elements", ()), *([block["accessory"]] if "accessory" in block else ())]
        for element in elements:
            if element.get("action_id") == action_id:
                source = _button(element, value) if element["type"] == "feedback_buttons" else element
                action = {"action_id": action_id, "block_id": block["block_id"], "type": element["type"]}
                return action | {name: source[name] for name in ("text", "value", "style", "url") if name in source}
    raise LookupError(f"Nothing in the message has the action_id {action_id!r}.")


def _button(element: Json, value: str | None) -> Json:
    buttons: dict[str, Json] = {"positive": element["positive_button"], "negative": element["negative_button"]}
    named = next((button for button in buttons.values() if button["value"] == value), None)
    return named or buttons[value or "positive"]


def _state(blocks: list[Json], values: Mapping[str, str]) -> Json:
    state: dict[str, Any] = {}
    for block in blocks:
        if block["type"] == "input":
            element = block["element"]
            value = {"type": element["type"], "value": values.get(block["block_id"])}
            state[block["block_id"]] = {element.get("action_id", "input"): value}
    return state
