"""Tables of footnoted.toml: `[[sources]]` and `[[channels]]`."""

from pathlib import Path
from typing import Literal, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator, model_validator

from bot.config.types import PlatformName, SourceName, WebAddress
from core.answering.channel_scope import Channel, Mode
from core.domain import Source
from core.ingestion.layouts import layout_of, presets


class SourceSettings(BaseModel):
    """A `[[sources]]` table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: SourceName
    feed: WebAddress | None = None
    sitemap: WebAddress | None = None
    folder: Path | None = None
    base_url: WebAddress | None = Field(default=None, validation_alias=AliasChoices("base_url", "url"))
    layout: str = ""
    selector: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    limit: int | None = Field(default=None, ge=1)
    shared: bool = False

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(address is not None for address in (self.feed, self.sitemap, self.folder)) != 1:
            raise ValueError(f"source “{self.name}” needs exactly one of feed, sitemap and folder")
        return self

    @field_validator("layout")
    @classmethod
    def _known_layout(cls, layout: str) -> str:
        if layout and layout_of(layout) is None:
            raise ValueError(f"a layout is one of {', '.join(presets())}, or a pattern such as /:year/:month/:slug/")
        return layout

    def to_source(self) -> Source:
        kind: Literal["feed", "sitemap", "folder"] = "feed" if self.feed else "sitemap" if self.sitemap else "folder"
        return Source(
            name=self.name,
            kind=kind,
            address=self.feed or self.sitemap or str(self.folder),
            selector=self.selector,
            include=self.include,
            exclude=self.exclude,
            limit=self.limit,
            published_at=self.base_url or "",
            layout=self.layout,
        )


class ChannelSettings(BaseModel):
    """A `[[channels]]` table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    platform: PlatformName
    id: str = Field(min_length=1)
    sources: tuple[SourceName, ...] | None = None
    system_prompt: str = ""
    mode: Mode = "mention"
    unanswered: Literal["silent", "note"] = "silent"

    def to_channel(self) -> Channel:
        sources = None if self.sources is None else frozenset(self.sources)
        return Channel(self.platform, self.id, sources, self.system_prompt, self.mode, self.unanswered == "note")
