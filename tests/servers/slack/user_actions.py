"""Users' commands, clicks, modals, the app home and the stop button."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.servers.slack.calls import ApiError
from tests.servers.slack.deliveries import Deliveries, Delivery, Kind
from tests.servers.slack.payloads import message_payload
from tests.servers.slack.responses import Responses, ResponseUrl
from tests.servers.slack.rules import BOT_SCOPES, Rules
from tests.servers.slack.streams import Stream, Streams
from tests.servers.slack.user_messages import UserMessages
from tests.servers.slack.views import Modal, Views, checked_view
from tests.servers.slack.world import Channel, Json, Message, User


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
        person, place = self.person(user), self.place(channel)
        url, trigger = self.responses.url(person, place.id), self.responses.trigger(person)
        team = self.world.teams[place.team]
        payload = {
            "token": "verification-token",
            "team_id": team.id,
            "team_domain": team.domain,
            "channel_id": place.id,
            "channel_name": _name_of(place),
            "user_id": person.id,
            "user_name": person.name,
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
        person, place = self.person(user), self.world.channels[message.channel]
        action = _action(message, action_id, value) | {"action_ts": self.world.ts()}
        url, trigger = self.responses.url(person, place.id, message), self.responses.trigger(person)
        ephemeral = message.ephemeral_to is not None
        container = {"type": "message", "message_ts": message.ts, "channel_id": place.id, "is_ephemeral": ephemeral}
        payload: Json = self._interactive("block_actions", person, trigger)
        payload |= {"container": container | ({"thread_ts": message.thread_ts} if message.thread_ts else {})}
        payload |= {"channel": {"id": place.id, "name": _name_of(place)}, "state": {"values": {}}}
        payload |= {"response_url": self._address(url), "actions": [action]}
        if not ephemeral:  # Slack does not keep what only one person sees
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
        person, place = self.person(user), self.direct(user)
        event: Json = {"type": "app_home_opened", "user": person.id, "channel": place.id, "tab": tab}
        event |= {"event_ts": self.world.ts()} | ({"context": context} if context is not None else {})
        self.dispatch(event, place.team, place)
        return place

    def look_at(self, user: User | str, channel: Channel | str) -> None:
        """Open a channel beside the app: `app_context_changed`."""
        person, place, seen = self.person(user), self.direct(user), self.place(channel)
        entities = [{"type": "slack#/types/channel_id", "value": seen.id, "team_id": seen.team}]
        event: Json = {"type": "app_context_changed", "user": person.id, "channel": place.id}
        self.dispatch(event | {"context": {"entities": entities}, "event_ts": self.world.ts()}, place.team, place)

    def start_assistant_thread(self, user: User | str, seen: Channel | str | None = None) -> Message:
        """Open a thread in the older assistant view, with the channel that the user is viewing."""
        person, place = self.person(user), self.direct(user)
        root = Message(self.world.ts(), place.id, place.team, "USLACKBOT", "New Assistant Thread")
        root.subtype = "assistant_app_thread"
        self.world.messages.append(root)
        context = {"channel_id": self.place(seen).id, "team_id": place.team} if seen else {}
        thread = {"user_id": person.id, "context": context, "channel_id": place.id, "thread_ts": root.ts}
        event: Json = {"type": "assistant_thread_started", "assistant_thread": thread, "event_ts": self.world.ts()}
        self.dispatch(event, place.team, place)
        return root

    def stop_stream(self, user: User | str, message: Message) -> list[Stream]:
        """Press "Stop": Slack ends the thread's streams and sends the app their ids."""
        place = self.world.channels[message.channel]
        stopped = self.streams.open_in(place.id, message.root)
        for stream in stopped:
            self.streams.close(stream, "stopped_by_user")
        event: Json = {"type": "agent_session_stopped", "user": self.person(user).id, "channel": place.id}
        event |= {"thread_ts": message.root, "streaming_message_ts": [stream.message.ts for stream in stopped]}
        self.dispatch(event | {"event_ts": self.world.ts()}, place.team, place)
        self.changed()
        return stopped

    # What comes back.

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

    def _interactive(self, kind: str, person: User, trigger: str) -> Json:
        team = self.world.teams[person.team]
        user = {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team}
        payload: Json = {"type": kind, "team": {"id": team.id, "domain": team.domain}, "user": user}
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
                told = _button(element, value) if element["type"] == "feedback_buttons" else element
                action = {"action_id": action_id, "block_id": block["block_id"], "type": element["type"]}
                return action | {name: told[name] for name in ("text", "value", "style", "url") if name in told}
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
