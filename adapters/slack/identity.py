"""Who the bot is in its workspace, and whether it may do there what it has to."""

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.events import BotIdentity
from adapters.slack.web_api import SlackRefusedError, SlackUnreachableError, call_api
from core.errors import Problem, StartupError

log = structlog.get_logger()

NEEDED = frozenset({"app_mentions:read", "chat:write", "commands", "im:history", "im:write", "users:read"})
"""Without one of these scopes the bot cannot do its work."""

WANTED = frozenset(
    {
        "assistant:write",
        "channels:history",
        "channels:read",
        "groups:history",
        "mpim:history",
        "reactions:write",
    }
)
"""Without these it does with less: no suggestions, no follow-ups without a mention, no names of channels."""

INSTALL = "Install the app anew with this product's manifest.yml (docs/slack.md)."


async def identify(client: AsyncWebClient) -> BotIdentity:
    """Asks auth.test. Raises StartupError for a token that is wrong, a scope that is missing, and a Slack that cannot
    be
    reached, each with its cure."""
    try:
        response = await call_api(client.auth_test())
    except SlackRefusedError as error:
        raise StartupError(_refused(error)) from error
    except SlackUnreachableError as error:
        raise StartupError(
            Problem("Slack cannot be reached.", "Look at the network, a proxy (HTTPS_PROXY), and SLACK_API_URL.")
        ) from error
    scopes = _scopes(response.headers)
    missing = sorted(NEEDED - scopes) if scopes else []
    if missing:
        raise StartupError(Problem(f"The Slack app lacks the scopes {', '.join(missing)}.", INSTALL))
    if scopes and (less := sorted(WANTED - scopes)):
        log.warning("the Slack app does with less than it could", scopes=less, cure=INSTALL)
    return BotIdentity(
        user=response["user_id"],
        bot=response.get("bot_id") or "",
        team=response["team_id"],
        team_name=response.get("team") or "",
        url=response.get("url") or "",
        scopes=scopes,
    )


def _scopes(headers: object) -> frozenset[str]:
    """Granted scopes; none are known where a proxy takes the header away."""
    named = {str(name).lower(): str(value) for name, value in dict(headers).items()}  # type: ignore[call-overload]
    return frozenset(scope.strip() for scope in named.get("x-oauth-scopes", "").split(",") if scope.strip())


def _refused(error: SlackRefusedError) -> Problem:
    match error.error:
        case "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired":
            cure = "Copy it again from “Install App” in the settings of the Slack app; it begins with xoxb-."
            return Problem(f"Slack does not accept SLACK_BOT_TOKEN ({error.error}).", cure)
        case "missing_scope":
            return Problem(f"The Slack app lacks the scope {error.needed or 'that it needs'}.", INSTALL)
        case word:
            return Problem(f"Slack refuses the bot ({word}).", "Look at the settings of the Slack app.")
