"""Settings: the only reader of the environment, `.env` and `footnoted.toml`."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from bot.config.tables import ChannelSettings, SourceSettings
from bot.config.types import (
    Duration,
    Emoji,
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
from core.chat.emoji import EmojiName
from core.domain import Source
from core.index.schema import Precision
from core.loopback import is_loopback

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
    verify_citations: bool = True
    rewrite: bool = True
    temperature: float | None = Field(default=None, ge=0, le=2)
    first_token_seconds: int = Field(default=30, ge=1, le=3_600)
    answer_seconds: int = Field(default=120, ge=1, le=3_600)
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
    emoji: dict[EmojiName, Emoji] = {}
    texts: dict[str, dict[str, str]] = {}
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
    feedback_channel: PlatformChannel | None = None
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
        return is_loopback(self.web_host)

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
