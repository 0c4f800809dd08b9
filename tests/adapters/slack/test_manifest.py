"""manifest.yml requests exactly the scopes, events and commands that the code uses."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.conversation import FORGET
from adapters.slack.identity import OPTIONAL_SCOPES, REQUIRED_SCOPES
from adapters.slack.listeners import ACTIONS, COMMANDS
from core.small_talk import small_talk

REPOSITORY = Path(__file__).parents[3]
ADAPTER = REPOSITORY / "adapters" / "slack"

SCOPES = {
    "apps_connections_open": set(),  # the app-level token's own scope, connections:write
    "assistant_threads_setStatus": {"chat:write"},
    "assistant_threads_setSuggestedPrompts": {"assistant:write"},
    "assistant_threads_setTitle": {"assistant:write"},
    "auth_test": set(),
    "chat_appendStream": {"chat:write"},
    "chat_delete": {"chat:write"},
    "chat_postEphemeral": {"chat:write"},
    "chat_postMessage": {"chat:write"},
    "chat_startStream": {"chat:write"},
    "chat_stopStream": {"chat:write"},
    "chat_update": {"chat:write"},
    "conversations_info": {"channels:read"},
    "conversations_open": {"im:write"},
    "conversations_replies": {"channels:history", "groups:history", "im:history", "mpim:history"},
    "reactions_add": {"reactions:write"},
    "reactions_remove": {"reactions:write"},
    "users_info": {"users:read"},
    "views_open": set(),
}
"""Scopes of the methods, as docs.slack.dev names them."""

EVENTS = {
    "agent_session_stopped": set(),
    "app_context_changed": set(),
    "app_home_opened": set(),
    "app_mention": {"app_mentions:read"},
    "message.channels": {"channels:history"},
    "message.groups": {"groups:history"},
    "message.im": {"im:history"},
    "message.mpim": {"mpim:history"},
}

OLDER_VIEW = {"assistant_thread_started", "assistant_thread_context_changed"}
"""Listened to for apps that were made before there was an agent view; new ones do not get them."""

# Fields of a manifest and their lengths, transcribed from the types of @slack/web-api 8.2.0
# (types/request/manifest); there is no schema in a package.
FIELDS: dict[str, Any] = {
    "display_information": {"name", "description", "long_description", "background_color"},
    "features": {
        "agent_view",
        "app_home",
        "assistant_view",
        "bot_user",
        "shortcuts",
        "slash_commands",
        "unfurl_domains",
    },
    "features.agent_view": {"agent_description", "suggested_prompts", "actions"},
    "features.app_home": {"home_tab_enabled", "messages_tab_enabled", "messages_tab_read_only_enabled"},
    "features.bot_user": {"display_name", "always_online"},
    "features.slash_commands": {"command", "description", "should_escape", "url", "usage_hint"},
    "oauth_config": {"redirect_urls", "scopes", "token_management_enabled"},
    "oauth_config.scopes": {"bot", "user", "bot_optional", "user_optional"},
    "settings": {
        "allowed_ip_address_ranges",
        "event_subscriptions",
        "incoming_webhooks",
        "interactivity",
        "org_deploy_enabled",
        "socket_mode_enabled",
        "token_rotation_enabled",
        "function_runtime",
    },
    "settings.event_subscriptions": {"bot_events", "user_events", "request_url", "metadata_subscriptions"},
    "settings.interactivity": {"is_enabled", "message_menu_options_url", "request_url"},
}


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return dict(yaml.safe_load((REPOSITORY / "manifest.yml").read_text(encoding="utf-8")))


def methods_called() -> Iterator[str]:
    """The methods of the Web API that the adapter names, called or handed on."""
    for path in ADAPTER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and re.fullmatch(r"[a-z]+_[a-zA-Z_]+", node.attr):
                method = getattr(AsyncWebClient, node.attr, None)
                on_client = ast.unparse(node.value).split(".")[-1] in {"client", "_client"}
                if method is not None and on_client:
                    yield node.attr


def test_the_manifest_requests_exactly_the_scopes_that_are_used(manifest: dict[str, Any]) -> None:
    called = set(methods_called())
    assert called == set(SCOPES), "name the scopes of each method here"
    used = set().union(*SCOPES.values(), *EVENTS.values()) | {"commands"}
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == used
    assert used == REQUIRED_SCOPES | OPTIONAL_SCOPES


def test_the_manifest_subscribes_to_exactly_the_events_that_are_handled(manifest: dict[str, Any]) -> None:
    asked = set(manifest["settings"]["event_subscriptions"]["bot_events"])
    assert asked == set(EVENTS)
    tree = ast.parse((ADAPTER / "listeners.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "app.event"]
    listened = {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
    assert listened - OLDER_VIEW == {event.split(".")[0] for event in asked}


def test_the_manifest_declares_every_command_and_enables_buttons(manifest: dict[str, Any]) -> None:
    commands = manifest["features"]["slash_commands"]
    assert sorted(command["command"] for command in commands) == sorted(COMMANDS)
    assert all(len(command.get("usage_hint", "")) <= 1_000 for command in commands)
    assert ACTIONS
    assert manifest["settings"]["interactivity"]["is_enabled"] is True


def test_the_manifest_has_only_fields_that_slack_knows(manifest: dict[str, Any]) -> None:
    assert set(manifest) <= {"_metadata", "display_information", "features", "oauth_config", "settings"}
    for path, allowed in FIELDS.items():
        for part in parts(manifest, path):
            assert set(part) <= allowed, path
    assert manifest["features"]["app_home"]["messages_tab_read_only_enabled"] is False
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["settings"]["token_rotation_enabled"] is False
    assert not list(parts(manifest, "oauth_config.scopes.user"))


@pytest.mark.parametrize(
    ("path", "least", "most"),
    [
        ("display_information.name", 1, 35),
        ("display_information.description", 1, 140),
        ("display_information.long_description", 175, 4_000),
        ("features.bot_user.display_name", 1, 80),
        ("features.agent_view.agent_description", 1, 300),
        ("features.agent_view.suggested_prompts.title", 1, 75),
        ("features.agent_view.suggested_prompts.message", 1, 4_000),
        ("features.slash_commands.command", 2, 32),
        ("features.slash_commands.description", 1, 2_000),
    ],
)
def test_every_text_in_the_manifest_has_an_accepted_length(
    manifest: dict[str, Any], path: str, least: int, most: int
) -> None:
    texts = list(parts(manifest, path))
    assert texts
    assert all(least <= len(text) <= most for text in texts), texts


def test_the_manifest_stays_within_slacks_limits(manifest: dict[str, Any]) -> None:
    features = manifest["features"]
    assert 1 <= len(features["slash_commands"]) <= 50
    assert len(features["agent_view"]["suggested_prompts"]) <= 4
    assert len(manifest["settings"]["event_subscriptions"]["bot_events"]) <= 100
    assert len(manifest["oauth_config"]["scopes"]["bot"]) <= 255
    assert re.fullmatch(r"#[0-9a-fA-F]{6}", manifest["display_information"]["background_color"])


def test_the_suggested_prompts_work_for_any_posts(manifest: dict[str, Any]) -> None:
    prompts = set(parts(manifest, "features.agent_view.suggested_prompts.message"))
    assert {prompt for prompt in prompts if small_talk(prompt) != "help"} <= FORGET


def parts(of: Any, path: str) -> Iterator[Any]:
    """Yield the values at a dotted path, from each element of any list on the way."""
    found = [of]
    for name in path.split("."):
        inner = [part.get(name) for part in found]
        found = [each for part in inner if part is not None for each in (part if isinstance(part, list) else [part])]
    yield from found
