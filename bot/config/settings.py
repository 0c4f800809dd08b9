"""The only reader of the environment, `.env` and `footnoted.toml`. Settings are frozen, and secrets are masked."""

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
    ChannelOfPlatform,
    Duration,
    GatewayAddress,
    Names,
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
"""The bot's own manual: in the package `bot` of a wheel, in `docs/` of a checkout."""


class Settings(BaseSettings):
    """Everything an operator decides. The manual's page on settings explains each by its name in capitals."""

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
    digest_channel: ChannelOfPlatform | None = None
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
        return init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls)

    @field_validator("sources")
    @classmethod
    def _names_differ(cls, sources: tuple[SourceSettings, ...]) -> tuple[SourceSettings, ...]:
        names = [source.name for source in sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two sources are called “{twice[0]}”")
        return sources

    @field_validator("channels")
    @classmethod
    def _channels_differ(cls, channels: tuple[ChannelSettings, ...]) -> tuple[ChannelSettings, ...]:
        seen: set[tuple[str, str]] = set()
        for channel in channels:
            if (channel.platform, channel.id) in seen:
                raise ValueError(f"two tables are about the channel {channel.id}")
            seen.add((channel.platform, channel.id))
        return channels

    @property
    def local(self) -> bool:
        """Whether the page can be reached from this machine alone."""
        return self.web_host == "localhost" or is_loopback(self.web_host)

    @property
    def azure(self) -> bool:
        return self.azure_openai_endpoint is not None

    @property
    def precision(self) -> Precision:
        """`vector_precision` in the words of Redis."""
        return "FLOAT16" if self.vector_precision == "float16" else "FLOAT32"

    @property
    def daily_tokens(self) -> DailyTokens:
        """The budget; offline there is nothing to spend."""
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
    def traced(self) -> bool:
        """Whether there is somewhere to send traces to."""
        return bool(self.otel_exporter_otlp_endpoint or self.otel_exporter_otlp_traces_endpoint)

    @property
    def all_channels(self) -> Channels:
        """What was decided for channels, beside all that is read."""
        shared = (source.name for source in self.sources if source.shared)
        names = (source.name for source in self.all_sources)
        return Channels([channel.channel() for channel in self.channels], names, shared)

    @property
    def all_sources(self) -> tuple[Source, ...]:
        """What is to be read: the sources of footnoted.toml and the feeds; the bot's own manual when there are none."""
        feeds = tuple(Source(name=_feed_name(address), kind="feed", address=address) for address in self.feeds)
        return (*(source.source() for source in self.sources), *feeds) or (_MANUAL_SOURCE,)


_MANUAL_SOURCE = Source(name="manual", kind="folder", address=str(MANUAL), exclude=("decisions/*", "architecture.md"))


def _feed_name(address: str) -> str:
    return re.sub(r"^https?://([^/@]*@)?(www\.)?|/$", "", address)


def load_settings(**given: Any) -> Settings:
    """The settings; what is `given` wins. Raises StartupError with everything that is wrong, each with its cure."""
    problems: list[Problem] = []
    wrong: set[str] = set()
    try:
        settings = Settings(**given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        problems = list(map(_problem, found))
        # With defaults in the place of what is wrong, the rest can be looked at, too.
        wrong = {str(each["loc"][0]).lower() for each in found}
        settings = Settings(**given | {name: Settings.model_fields[name].default for name in wrong})
    except SettingsError as error:
        raise StartupError(Problem(f"A setting cannot be read: {error}.", "Correct it, or take it out.")) from None
    except tomllib.TOMLDecodeError as error:
        raise StartupError(Problem(f"{TOML} cannot be read: {error}.", "Correct it.")) from None
    except UnicodeDecodeError:
        raise StartupError(
            Problem(f"{TOML} or .env cannot be read: it is no text in UTF-8.", "Save it as UTF-8.")
        ) from None
    problems += [*_unknown_settings(), *_contradictions(settings, wrong)]
    if problems:
        raise StartupError(*problems)
    return settings


def _problem(error: Any) -> Problem:
    name, *inner = error["loc"]
    if name in {"sources", "channels"}:
        # People count from one.
        named = (str(part + 1) if isinstance(part, int) else str(part) for part in inner)
        where = f"{TOML}, {name[:-1]} {' '.join(named)}"
    else:
        where = str(name).upper()
    message = re.sub(r"^(Value|Assertion) error, ", "", error["msg"])
    if error["type"] == "missing":
        return Problem(f"{where} is missing.", "Add it.")
    if error["type"] == "extra_forbidden":
        return Problem(f"{where} is no setting.", "Take it out, or correct its spelling.")
    return Problem(f"{where} is wrong: {message}.", "Correct it, or take it out to use the default.")


def _unknown_settings() -> Iterator[Problem]:
    """Names in footnoted.toml that mean nothing. The environment is full of names that are not meant for this bot."""
    if not TOML.is_file():
        return
    for name in tomllib.loads(TOML.read_text(encoding="utf-8")):
        if name.lower() not in Settings.model_fields:
            yield Problem(f"{TOML}, {name} is no setting.", "Take it out, or correct its spelling.")


def _contradictions(settings: Settings, wrong: set[str]) -> Iterator[Problem]:
    """What only shows when several settings are seen together, or beside the files. `wrong` are settings whose values
    are not known."""
    azure = ("azure_openai_endpoint", "azure_openai_api_key", "openai_api_version")
    missing = [name.upper() for name in azure if not getattr(settings, name)]
    if (settings.azure or settings.azure_openai_api_key) and missing:
        yield Problem(
            f"Azure OpenAI is set up in part: {' and '.join(missing)} missing.", f"Set {' and '.join(missing)}."
        )
    if settings.embedding_model == OFFLINE_EMBEDDING_MODEL and settings.has_embedding_server:
        yield Problem(
            f"EMBEDDING_MODEL={OFFLINE_EMBEDDING_MODEL} runs in this process and uses no server.",
            "Unset EMBEDDING_BASE_URL and EMBEDDING_API_KEY, or name a model of that server.",
        )
    yield from _slack_in_part(settings)
    yield from _digest_nowhere(settings)
    if not settings.local and not settings.web_token and "web_token" not in wrong:
        yield Problem(
            f"The page would be open to all who can reach {settings.web_host}.",
            "Set WEB_TOKEN to a word of 16 characters or more, or WEB_HOST to 127.0.0.1.",
        )
    if wrong.isdisjoint({"sources", "feeds"}):
        yield from _unknown_sources(settings)
    for source in settings.sources:
        if source.folder and not source.folder.is_dir():
            yield Problem(f"The folder of source “{source.name}” is not there.", f"Correct {source.folder}.")


def _unknown_sources(settings: Settings) -> Iterator[Problem]:
    known = [source.name for source in settings.all_sources]
    for channel in settings.channels:
        for name in channel.sources or ():
            if name not in known:
                what = f"The channel {channel.id} names the source “{name}”, which is not there."
                yield Problem(what, f"Name one of: {', '.join(known)}.")


def _digest_nowhere(settings: Settings) -> Iterator[Problem]:
    """A digest needs a bot on its platform."""
    platform = (settings.digest_channel or "").partition(":")[0]
    tokens = {"slack": settings.slack_bot_token, "discord": settings.discord_bot_token}
    if platform and not tokens[platform]:
        what = f"DIGEST_CHANNEL names a channel of {platform.capitalize()}, on which the bot is not."
        yield Problem(what, f"Set {platform.upper()}_BOT_TOKEN, or take DIGEST_CHANNEL out.")


def _slack_in_part(settings: Settings) -> Iterator[Problem]:
    """Slack needs two of its three secrets."""
    bot, app, signing = settings.slack_bot_token, settings.slack_app_token, settings.slack_signing_secret
    if bot and not (app or signing):
        yield Problem(
            "Slack is set up in part: SLACK_APP_TOKEN is missing.",
            "Set it for Socket Mode, or SLACK_SIGNING_SECRET for HTTP mode.",
        )
    if (app or signing) and not bot:
        yield Problem("Slack is set up in part: SLACK_BOT_TOKEN is missing.", "Set it; it begins with xoxb-.")
    for name, secret, beginning in (("SLACK_BOT_TOKEN", bot, "xoxb-"), ("SLACK_APP_TOKEN", app, "xapp-")):
        other = secret.get_secret_value() if secret else ""
        if other.startswith(("xoxb-", "xapp-", "xoxp-")) and not other.startswith(beginning):
            yield Problem(f"{name} holds another kind of token.", f"Its token begins with {beginning}.")
