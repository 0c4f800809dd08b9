"""Settings: the only reader of the environment, `.env` and `footnoted.toml`."""

import re
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from adapters.web.security import is_loopback
from bot.config.tables import ChannelSettings, SourceSettings
from bot.config.types import (
    PLATFORM_NAMES,
    Duration,
    GatewayAddress,
    Names,
    PlatformChannel,
    PlatformName,
    RedisAddress,
    Shards,
    Snowflakes,
    Token,
    WebAddress,
    WebAddresses,
)
from core.answering.channel_scope import Channels
from core.answering.token_budget import DailyTokens
from core.domain import Source
from core.errors import Problem, StartupError
from core.index.schema import Precision

TOML = Path("footnoted.toml")
OFFLINE_EMBEDDING_MODEL = "wordllama"
"""Value of EMBEDDING_MODEL that embeds in this process, whatever writes the answers."""

_PACKAGE = Path(__file__).parents[1]
MANUAL = _PACKAGE / "manual" if (_PACKAGE / "manual").is_dir() else _PACKAGE.parent / "docs"
"""The bot's own manual: `bot/manual` in a wheel, `docs/` in a checkout."""


class Settings(BaseSettings):
    """All settings, frozen, with secrets masked. `docs/settings.md` explains each by its name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, toml_file=TOML, env_ignore_empty=True, hide_input_in_errors=True
    )

    redis_url: RedisAddress | None = None
    openai_api_key: SecretStr | None = None
    openai_base_url: WebAddress | None = None
    azure_openai_endpoint: WebAddress | None = None
    azure_openai_api_key: SecretStr | None = None
    openai_api_version: str | None = None
    chat_model: str = "gpt-5.4-mini"
    embedding_model: str = "text-embedding-3-small"
    embedding_base_url: WebAddress | None = None
    embedding_api_key: SecretStr | None = None
    embedding_dimensions: int | None = Field(default=None, ge=1, le=32_768)
    system_prompt: str | None = None
    answer_beyond_sources: bool = False
    temperature: float | None = Field(default=None, ge=0, le=2)
    context_tokens: int = Field(default=8_000, ge=1_000)
    top_k: int = Field(default=5, ge=1, le=20)
    min_score: float | None = Field(default=None, ge=0, le=1)
    history_turns: int = Field(default=10, ge=0, le=1_000)
    history_ttl: Duration = timedelta(days=30)
    questions_per_minute: int = Field(default=10, ge=1)
    channel_questions_per_minute: int = Field(default=30, ge=1)
    tokens_per_day: int | None = Field(default=None, ge=0)
    tokens_per_day_per_person: int | None = Field(default=None, ge=0)
    vector_index: Literal["auto", "flat", "hnsw"] = "auto"
    vector_precision: Literal["float32", "float16"] = "float32"
    reindex_every: Duration | None = None
    feeds: WebAddresses = ()
    sources: tuple[SourceSettings, ...] = ()
    channels: tuple[ChannelSettings, ...] = ()
    slack_bot_token: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    slack_api_url: WebAddress = "https://slack.com/api/"
    slack_admins: Names = ()
    slack_sockets: int = Field(default=1, ge=0, le=10)
    discord_bot_token: SecretStr | None = None
    discord_api_url: WebAddress | None = None
    discord_gateway_url: GatewayAddress | None = None
    discord_guilds: Snowflakes = ()
    discord_shards: Shards | None = None
    discord_admins: Snowflakes = ()
    web_host: str = "127.0.0.1"
    web_port: int = Field(default=8080, ge=0, le=65_535)
    web_token: Token | None = None
    web_questions_per_minute: int = Field(default=30, ge=1)
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = Field(default=None, ge=0, le=65_535)
    digest_channel: PlatformChannel | None = None
    data_dir: Path = Path(".footnoted")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_text: bool = False
    otel_exporter_otlp_endpoint: WebAddress | None = None
    otel_exporter_otlp_traces_endpoint: WebAddress | None = None
    otel_exporter_otlp_headers: SecretStr | None = None
    otel_service_name: str = "footnoted"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Add footnoted.toml, with the lowest precedence."""
        return init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls)

    @field_validator("sources")
    @classmethod
    def _check_unique_names(cls, sources: tuple[SourceSettings, ...]) -> tuple[SourceSettings, ...]:
        names = [source.name for source in sources]
        duplicates = sorted({name for name in names if names.count(name) > 1})
        if duplicates:
            raise ValueError(f"two sources are named “{duplicates[0]}”")
        return sources

    @field_validator("channels")
    @classmethod
    def _check_unique_channels(cls, channels: tuple[ChannelSettings, ...]) -> tuple[ChannelSettings, ...]:
        seen: set[tuple[str, str]] = set()
        for channel in channels:
            if (channel.platform, channel.id) in seen:
                raise ValueError(f"the channel {channel.id} has two tables")
            seen.add((channel.platform, channel.id))
        return channels

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the page."""
        return self.web_host == "localhost" or is_loopback(self.web_host)

    @property
    def azure(self) -> bool:
        return self.azure_openai_endpoint is not None

    @property
    def precision(self) -> Precision:
        """`vector_precision` as Redis spells it."""
        return "FLOAT16" if self.vector_precision == "float16" else "FLOAT32"

    @property
    def daily_tokens(self) -> DailyTokens:
        """The token budget; unlimited offline, where tokens cost nothing."""
        return DailyTokens() if self.offline else DailyTokens(self.tokens_per_day, self.tokens_per_day_per_person)

    @property
    def offline(self) -> bool:
        """Whether no chat model is configured, so that answers are quoted from the posts."""
        return not (self.openai_api_key or self.openai_base_url or self.azure)

    @property
    def has_embedding_server(self) -> bool:
        """Whether texts are embedded by another server, or with another key, than the chat uses."""
        return bool(self.embedding_base_url or self.embedding_api_key)

    @property
    def embeds_offline(self) -> bool:
        """Whether texts are embedded in this process: asked for, or no server is configured."""
        return self.embedding_model == OFFLINE_EMBEDDING_MODEL or (self.offline and not self.has_embedding_server)

    @property
    def tracing(self) -> bool:
        """Whether a collector is set."""
        return bool(self.otel_exporter_otlp_endpoint or self.otel_exporter_otlp_traces_endpoint)

    @property
    def all_channels(self) -> Channels:
        """The channels' own settings, together with the names of all sources."""
        shared = (source.name for source in self.sources if source.shared)
        names = (source.name for source in self.all_sources)
        return Channels([channel.to_channel() for channel in self.channels], names, shared)

    @property
    def all_sources(self) -> tuple[Source, ...]:
        """The sources of footnoted.toml, then `feeds`; the bot's own manual if there are none."""
        feeds = tuple(Source(name=_feed_name(address), kind="feed", address=address) for address in self.feeds)
        return (*(source.to_source() for source in self.sources), *feeds) or (_MANUAL_SOURCE,)

    def has_platform(self, name: PlatformName) -> bool:
        """Return True if the platform's bot token is set."""
        return getattr(self, f"{name}_bot_token") is not None


_MANUAL_SOURCE = Source(name="manual", kind="folder", address=str(MANUAL), exclude=("decisions/*", "architecture.md"))


def _feed_name(address: str) -> str:
    return re.sub(r"^https?://([^/@]*@)?(www\.)?|/$", "", address)


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
    yield from _check_digest_channel(settings)
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


def _check_digest_channel(settings: Settings) -> Iterator[Problem]:
    for platform in PLATFORM_NAMES:
        if (settings.digest_channel or "").startswith(f"{platform}:") and not settings.has_platform(platform):
            what = (
                f"DIGEST_CHANNEL names a {platform.capitalize()} channel, but {platform.upper()}_BOT_TOKEN is not set."
            )
            yield Problem(what, "Set it, or remove DIGEST_CHANNEL.")


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
