"""Load the settings and check them: every problem is reported at once, with its cure."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError

from bot.config.settings import OFFLINE_EMBEDDING_MODEL, TOML, Settings
from bot.config.types import PLATFORM_NAMES
from core.errors import Problem, StartupError
from core.i18n import wording_problem


def load_settings(**given: Any) -> Settings:
    """Load the settings; `given` ones win. Raises StartupError with every problem and its cure."""
    problems: list[Problem] = []
    invalid: set[str] = set()
    try:
        settings = Settings(**given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        problems = list(map(_problem, found))
        # Defaults in place of invalid values, so that the rest can be checked.
        invalid = {str(each["loc"][0]).lower() for each in found}
        settings = Settings(**given | {name: Settings.model_fields[name].default for name in invalid})
    except SettingsError as error:
        raise StartupError(Problem(f"A setting cannot be parsed: {error}.", "Correct or remove it.")) from None
    except tomllib.TOMLDecodeError as error:
        raise StartupError(Problem(f"{TOML} is not valid TOML: {error}.", "Correct it.")) from None
    except UnicodeDecodeError:
        raise StartupError(Problem(f"{TOML} or .env is not encoded in UTF-8.", "Save it as UTF-8.")) from None
    problems += [*_unknown_settings(), *_contradictions(settings, invalid)]
    if problems:
        raise StartupError(*problems)
    return settings


def _problem(error: Any) -> Problem:
    name, *inner = error["loc"]
    if name in {"sources", "channels"}:
        # Count tables from 1.
        path = (str(part + 1) if isinstance(part, int) else str(part) for part in inner)
        label = f"{TOML}, {name[:-1]} {' '.join(path)}"
    else:
        label = str(name).upper()
    message = re.sub(r"^(Value|Assertion) error, ", "", error["msg"])
    if error["type"] == "missing":
        return Problem(f"{label} is missing.", "Add it.")
    if error["type"] == "extra_forbidden":
        return Problem(f"{label} is not a setting.", "Remove it, or correct its spelling.")
    return Problem(f"{label} is invalid: {message}.", "Correct it, or remove it to use the default.")


def _unknown_settings() -> Iterator[Problem]:
    """Find unknown names in footnoted.toml; the environment is full of other programs' names."""
    if not TOML.is_file():
        return
    for name in tomllib.loads(TOML.read_text(encoding="utf-8")):
        if name.lower() not in Settings.model_fields:
            yield Problem(f"{TOML}, {name} is not a setting.", "Remove it, or correct its spelling.")


def _contradictions(settings: Settings, invalid: set[str]) -> Iterator[Problem]:
    """Check settings against each other and against files. The values of `invalid` settings are unknown."""
    azure = ("azure_openai_endpoint", "azure_openai_api_key", "openai_api_version")
    missing = [name.upper() for name in azure if not getattr(settings, name)]
    if (settings.azure or settings.azure_openai_api_key) and missing:
        yield Problem(
            f"Azure OpenAI is only partly set up: {' and '.join(missing)} missing.", f"Set {' and '.join(missing)}."
        )
    if settings.embedding_model == OFFLINE_EMBEDDING_MODEL and settings.has_embedding_server:
        yield Problem(
            f"EMBEDDING_MODEL={OFFLINE_EMBEDDING_MODEL} runs in this process and uses no server.",
            "Unset EMBEDDING_BASE_URL and EMBEDDING_API_KEY, or name a model of that server.",
        )
    yield from _check_slack(settings)
    yield from _check_channels(settings)
    yield from _check_texts(settings)
    if not settings.local and not settings.web_token and "web_token" not in invalid:
        yield Problem(
            f"The page would be open to everyone who can reach {settings.web_host}.",
            "Set WEB_TOKEN to at least 16 characters, or WEB_HOST to 127.0.0.1.",
        )
    if invalid.isdisjoint({"sources", "feeds"}):
        yield from _check_channel_sources(settings)
    for source in settings.sources:
        if source.folder and not source.folder.is_dir():
            yield Problem(f"The folder of the source “{source.name}” does not exist.", f"Correct {source.folder}.")


def _check_channel_sources(settings: Settings) -> Iterator[Problem]:
    known = [source.name for source in settings.all_sources]
    for channel in settings.channels:
        for name in channel.sources or ():
            if name not in known:
                what = f"The channel {channel.id} names the source “{name}”, which does not exist."
                yield Problem(what, f"Use one of: {', '.join(known)}.")


def _check_texts(settings: Settings) -> Iterator[Problem]:
    for code, wordings in settings.texts.items():
        for message, wording in wordings.items():
            if problem := wording_problem(code, message, wording):
                yield Problem(f"TEXTS cannot be used: {problem}.", "Correct it, or remove it.")


def _check_channels(settings: Settings) -> Iterator[Problem]:
    """Require the token of the platform that messages of the bot's own are posted to."""
    for setting in ("digest_channel", "feedback_channel"):
        platform, _, _ = (getattr(settings, setting) or "").partition(":")
        name = next((name for name in PLATFORM_NAMES if name == platform), None)
        if name and not settings.has_platform(name):
            token = f"{name.upper()}_BOT_TOKEN"
            what = f"{setting.upper()} names a {name.capitalize()} channel, but {token} is not set."
            yield Problem(what, f"Set it, or remove {setting.upper()}.")


def _check_slack(settings: Settings) -> Iterator[Problem]:
    """Require the bot token and one of the other two secrets."""
    bot, app, signing = settings.slack_bot_token, settings.slack_app_token, settings.slack_signing_secret
    if bot and not (app or signing):
        yield Problem(
            "Slack is only partly set up: SLACK_APP_TOKEN is missing.",
            "Set it for Socket Mode, or SLACK_SIGNING_SECRET for HTTP mode.",
        )
    if (app or signing) and not bot:
        yield Problem("Slack is only partly set up: SLACK_BOT_TOKEN is missing.", "Set it; it begins with xoxb-.")
    for name, secret, prefix in (("SLACK_BOT_TOKEN", bot, "xoxb-"), ("SLACK_APP_TOKEN", app, "xapp-")):
        token = secret.get_secret_value() if secret else ""
        if token.startswith(("xoxb-", "xapp-", "xoxp-")) and not token.startswith(prefix):
            yield Problem(f"{name} holds another kind of token.", f"Its token begins with {prefix}.")
