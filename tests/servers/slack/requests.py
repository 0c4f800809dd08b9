"""Parsing of Web API requests: bodies, tokens, scopes."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from tests.servers.slack.calls import ApiError, Call, Installation
from tests.servers.slack.objects import Channel, Json, Kind
from tests.servers.slack.payloads import scopes_header
from tests.servers.slack.platform import Method, Platform

# Arguments that forms carry as JSON text.
STRUCTURED = {"attachments", "blocks", "chunks", "loading_messages", "metadata", "prompts", "unfurls", "view"}
# Error codes for those that do not parse or have the wrong type.
MALFORMED = {"blocks": "invalid_blocks_format", "metadata": "invalid_metadata_format", "chunks": "invalid_chunks"}
TRUTH = {"1": True, "true": True, "True": True, "0": False, "false": False, "False": False, "": False}
FLAGS = {"as_user", "include_all_metadata", "include_disabled", "include_users", "inclusive", "link_names", "mrkdwn"}
FLAGS |= {"prevent_creation", "reply_broadcast", "return_im", "unfurl_links", "unfurl_media"}
SCOPE_OF_KIND: Mapping[Kind, str] = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}


async def arguments_of(request: web.Request) -> Json:
    """Return the arguments of the query and of a JSON, form or multipart body, with JSON strings parsed."""
    arguments: Json = dict(request.query)
    if request.method == "POST":
        if request.content_type == "application/json":
            arguments |= await _json_body(request)
        elif request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
            arguments |= dict(await request.post())
        elif request.can_read_body:
            raise ApiError("invalid_post_type")
    return {name: _parsed(name, value) for name, value in arguments.items() if value is not None}


async def _json_body(request: web.Request) -> Json:
    if not (text := await request.text()):
        return {}
    try:
        body = json.loads(text)
    except ValueError:
        raise ApiError("invalid_json") from None
    if not isinstance(body, dict):
        raise ApiError("json_not_object")
    return body


def _parsed(name: str, value: Any) -> Any:
    if name in FLAGS and isinstance(value, str):
        return TRUTH.get(value, True)
    if name not in STRUCTURED or not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value else None
    except ValueError:
        raise ApiError(MALFORMED.get(name, "invalid_arguments")) from None


def token_of(request: web.Request, arguments: Json) -> str:
    """Return the bearer token, else the `token` argument, which is removed."""
    argument = str(arguments.pop("token", ""))
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind == "Bearer" and token else argument


def authorize(slack: Platform, call: Call, method: Method) -> Installation | None:
    """Return the calling installation. Only `apps.connections.open` takes the app's token, and no other."""
    if not call.token:
        raise ApiError("not_authed")
    wants_app = call.method == "apps.connections.open"
    if call.token == slack.app_token:
        if wants_app:
            return None
        raise ApiError("not_allowed_token_type")
    installation = slack.installations.get(call.token)
    if installation is None:
        raise ApiError("invalid_auth")
    if installation.revoked:
        raise ApiError(installation.revoked)
    if wants_app:
        raise ApiError("not_allowed_token_type")
    if method.scopes:
        need(installation, *method.scopes)
    return installation


def need(installation: Installation, *scopes: str) -> None:
    """Raise ApiError unless one of the scopes is granted."""
    if not installation.scopes & set(scopes):
        raise ApiError("missing_scope", needed=",".join(scopes), provided=scopes_header(installation.scopes))


def check_required(arguments: Json, required: Iterable[str]) -> None:
    if missing := [name for name in required if arguments.get(name) in (None, "")]:
        raise ApiError("invalid_arguments", *(f"missing required field: {name}" for name in missing))


def channel_of(slack: Platform, call: Call, name: str = "channel") -> Channel:
    """Return the conversation that the argument names, if the caller can see it."""
    channel = slack.store.channels.get(str(call.arguments.get(name, "")))
    if channel is None or channel.team != call.by.team:
        raise ApiError("channel_not_found")
    if channel.is_private and call.by.bot.id not in channel.members:
        raise ApiError("channel_not_found")
    return channel


def readable_channel(slack: Platform, call: Call, what: str) -> Channel:
    """Return the channel if the caller has the scope to read it and, for its history, is a member."""
    try:
        channel = channel_of(slack, call)
    except ApiError:
        need(call.by, *(f"{kind}:{what}" for kind in SCOPE_OF_KIND.values()))
        raise
    need(call.by, f"{SCOPE_OF_KIND[channel.kind]}:{what}")
    if what == "history" and call.by.bot.id not in channel.members:
        raise ApiError("not_in_channel")
    return channel
