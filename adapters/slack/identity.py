"""The bot's identity in its workspace, and startup checks of its tokens and scopes."""

from dataclasses import dataclass

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.web_api import SlackRefusedError, SlackUnreachableError, call_api
from core.errors import Problem, StartupError

log = structlog.get_logger()

REQUIRED_SCOPES = frozenset({"app_mentions:read", "chat:write", "commands", "im:history", "im:write", "users:read"})

OPTIONAL_SCOPES = frozenset(
    {
        "assistant:write",
        "channels:history",
        "channels:read",
        "groups:history",
        "mpim:history",
        "reactions:write",
    }
)
"""Without these there are no suggested prompts, no follow-ups without a mention, and no channel names."""

REINSTALL = "Reinstall the app with this product's manifest.yml (docs/slack.md)."


@dataclass(frozen=True, slots=True)
class BotIdentity:
    """The bot's ids in its workspace, from auth.test."""

    user: str
    bot: str
    team: str
    team_name: str = ""
    url: str = ""
    scopes: frozenset[str] = frozenset()

    def is_mentioned(self, text: str) -> bool:
        return f"<@{self.user}>" in text or f"<@{self.user}|" in text


async def identify(client: AsyncWebClient) -> BotIdentity:
    """Call auth.test. Raises StartupError for a bad token, a missing scope, and when Slack is unreachable."""
    try:
        response = await call_api(client.auth_test())
    except SlackRefusedError as error:
        raise StartupError(_problem(error)) from error
    except SlackUnreachableError as error:
        remedy = "Check the network, the proxy (HTTPS_PROXY) and SLACK_API_URL."
        raise StartupError(Problem("Slack cannot be reached.", remedy)) from error
    scopes = _scopes(response.headers)
    missing = sorted(REQUIRED_SCOPES - scopes) if scopes else []
    if missing:
        raise StartupError(Problem(f"The Slack app lacks the scopes {', '.join(missing)}.", REINSTALL))
    if scopes and (absent := sorted(OPTIONAL_SCOPES - scopes)):
        log.warning("Slack app lacks optional scopes", scopes=absent, remedy=REINSTALL)
    return BotIdentity(
        user=response["user_id"],
        bot=response.get("bot_id") or "",
        team=response["team_id"],
        team_name=response.get("team") or "",
        url=response.get("url") or "",
        scopes=scopes,
    )


async def check_app_token(client: AsyncWebClient, app_token: str) -> None:
    """Raise StartupError for an app token that opens no connection.

    Without this check, the SDK's own attempts would end in an exception in a task that nothing awaits.
    """
    try:
        await call_api(client.apps_connections_open(app_token=app_token))
    except SlackRefusedError as error:
        remedy = "Generate it under “Basic Information”, “App-Level Tokens”, with the scope connections:write."
        raise StartupError(Problem(f"Slack does not accept SLACK_APP_TOKEN ({error.code}).", remedy)) from error
    except SlackUnreachableError as error:
        remedy = "Check the network, the proxy and SLACK_API_URL."
        raise StartupError(Problem("Slack cannot be reached.", remedy)) from error


def _scopes(headers: object) -> frozenset[str]:
    """Return the granted scopes; none are known where a proxy removes the header."""
    named = {str(name).lower(): str(value) for name, value in dict(headers).items()}  # type: ignore[call-overload]
    return frozenset(scope.strip() for scope in named.get("x-oauth-scopes", "").split(",") if scope.strip())


def _problem(error: SlackRefusedError) -> Problem:
    match error.code:
        case "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired":
            remedy = "Copy it again from “Install App” in the settings of the Slack app; it begins with xoxb-."
            return Problem(f"Slack does not accept SLACK_BOT_TOKEN ({error.code}).", remedy)
        case "missing_scope":
            return Problem(f"The Slack app lacks the scope {error.needed_scope or 'that it needs'}.", REINSTALL)
        case code:
            return Problem(f"Slack refuses the bot ({code}).", "Check the settings of the Slack app.")
