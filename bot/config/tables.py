"""Tables of footnoted.toml: `[[sources]]` and `[[channels]]`."""

from pathlib import Path
from typing import Literal, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator, model_validator

from bot.config.types import PlatformName, SourceName, WebAddress
from core.answering.channel_scope import Channel, Mode
from core.domain import Source

SourceKind = Literal["feed", "sitemap", "site", "folder"]


class SourceSettings(BaseModel):
    """A `[[sources]]` table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: SourceName
    feed: WebAddress | None = None
    sitemap: WebAddress | None = None
    site: WebAddress | None = None
    folder: Path | None = None
    base_url: WebAddress | None = Field(default=None, validation_alias=AliasChoices("base_url", "url"))
    layout: str = ""
    selector: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    limit: int | None = Field(default=None, ge=1)
    crawl: bool | None = None
    shared: bool = False

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if len(self._addresses) != 1:
            raise ValueError(f"source “{self.name}” needs exactly one of feed, sitemap, site and folder")
        if self.crawl is not None and not self.site:
            raise ValueError(f"source “{self.name}”: crawl is for a site")
        return self

    @property
    def _addresses(self) -> dict[SourceKind, str]:
        given: dict[SourceKind, object] = {
            "feed": self.feed, "sitemap": self.sitemap, "site": self.site, "folder": self.folder,
        }  # fmt: skip
        return {kind: str(address) for kind, address in given.items() if address is not None}

    @field_validator("layout")
    @classmethod
    def _known_layout(cls, layout: str) -> str:
        if not layout:
            return layout
        from core.ingestion.layouts import layout_of, presets  # its parsers take a while to import

        if layout_of(layout) is None:
            raise ValueError(f"a layout is one of {', '.join(presets())}, or a pattern such as /:year/:month/:slug/")
        return layout

    def to_source(self) -> Source:
        ((kind, address),) = self._addresses.items()
        return Source(
            name=self.name,
            kind=kind,
            address=address,
            selector=self.selector,
            include=self.include,
            exclude=self.exclude,
            limit=self.limit,
            crawl=self.crawl,
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
