"""Modals and the home tab: views.open, views.update, views.publish, and their validation."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.servers.slack.blocks import problems_of, text_problems, with_ids
from tests.servers.slack.calls import ApiError, Call, Installation
from tests.servers.slack.objects import Json, User, new_id
from tests.servers.slack.platform import Method, Methods, Platform
from tests.servers.slack.responses import Responses

MOST_BLOCKS = 100


@dataclass(slots=True, eq=False)
class Modal:
    """A modal. `errors` are the app's validation errors of the last submission, by block_id."""

    id: str
    user: User
    view: Json
    hash: str
    open: bool = True
    errors: Json | None = None

    def shape(self, by: Installation) -> Json:
        """Return the view as the API returns it."""
        kept: Json = {"private_metadata": "", "callback_id": "", "close": None, "submit": None, "external_id": ""}
        kept |= {"clear_on_close": False, "notify_on_close": False, "submit_disabled": False} | self.view
        ids = {"id": self.id, "root_view_id": self.id, "previous_view_id": None, "hash": self.hash}
        ids |= {"team_id": by.team, "app_id": by.app.id, "app_installed_team_id": by.team, "bot_id": by.bot.bot_id}
        return kept | ids | {"state": {"values": {}}}


class Views:
    """The modals and home tabs of one Slack."""

    def __init__(self, responses: Responses) -> None:
        self.modals: dict[str, Modal] = {}
        self.homes: dict[str, Json] = {}
        self._responses = responses

    @property
    def methods(self) -> Methods:
        return {
            "views.open": Method(self.open, required=("view",), tier=4),
            "views.publish": Method(self.publish, required=("user_id", "view"), tier=4),
            "views.update": Method(self.update, required=("view",), tier=4),
        }

    def of(self, user: str) -> list[Modal]:
        """Return the user's open modals, newest last."""
        return [modal for modal in self.modals.values() if modal.user.id == user and modal.open]

    def open(self, slack: Platform, call: Call) -> Json:
        view = checked_view(call.arguments["view"])
        trigger = call.arguments.get("trigger_id") or call.arguments.get("interactivity_pointer")
        user = self._responses.exchange(str(trigger or ""))
        modal = Modal(new_id("V"), user, view, secrets.token_hex(8))
        self.modals[modal.id] = modal
        slack.changed()
        return {"view": modal.shape(call.by)}

    def update(self, slack: Platform, call: Call) -> Json:
        view = checked_view(call.arguments["view"])
        modal = self.modals.get(str(call.arguments.get("view_id", "")))
        if modal is None or not modal.open:
            raise ApiError("not_found")
        if call.arguments.get("hash") not in (None, modal.hash):
            raise ApiError("hash_conflict")
        self.show(modal, view)
        slack.changed()
        return {"view": modal.shape(call.by)}

    def publish(self, slack: Platform, call: Call) -> Json:
        view, user = checked_view(call.arguments["view"], "home"), str(call.arguments["user_id"])
        if user not in slack.store.users:
            raise ApiError("invalid_arguments", "invalid `user_id` [json-pointer:/user_id]")
        self.homes[user] = view
        slack.changed()
        return {"view": view | {"id": new_id("V"), "team_id": call.by.team, "bot_id": call.by.bot.bot_id}}

    @staticmethod
    def show(modal: Modal, view: Json) -> None:
        """Replace the modal's view."""
        modal.view, modal.hash, modal.errors = view, secrets.token_hex(8), None


def checked_view(view: Any, kind: str = "modal") -> Json:
    """Return the valid view with ids; raise ApiError with all problems."""
    if not isinstance(view, dict):
        raise ApiError("invalid_arguments", "must provide an object [json-pointer:/view]")
    if problems := list(_problems(view, kind)):
        raise ApiError("invalid_arguments", *problems)
    return view | {"blocks": with_ids(view["blocks"])}


def _problems(view: Json, kind: str) -> Iterator[str]:
    if view.get("type") != kind:
        yield f"unsupported type: {view.get('type')} [json-pointer:/view/type]"
    for name in ("title", "submit", "close"):
        if view.get(name) is not None or (kind == "modal" and name == "title"):
            yield from text_problems(view.get(name), 24, f"/view/{name}", ("plain_text",))
    for name, most in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
        if len(view.get(name) or "") > most:
            yield f"must be less than {most + 1} characters [json-pointer:/view/{name}]"
    blocks = view.get("blocks")
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        yield "missing required field: blocks [json-pointer:/view]"
        return
    yield from problems_of(blocks, "/view/blocks", MOST_BLOCKS)
    if kind == "modal" and view.get("submit") is None and any(block.get("type") == "input" for block in blocks):
        yield "missing required field: submit [json-pointer:/view]"
