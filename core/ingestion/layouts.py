"""The web address at which a site generator publishes a file."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path, PurePath
from urllib.parse import quote, urlsplit

from pydantic import TypeAdapter

from core.ingestion.front_matter import FrontMatter
from core.ingestion.urls import clean_url, site_host

_DATED = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[-_ ]+(.+))?")
_NUMBER = re.compile(r"\A(?!\d{4}-\d|\d+[-_.]\d)\d+\s*[-_.]+\s*(?=[^-_.\s])")
_PLACEHOLDER = re.compile(r":([a-z]+)")
_INDEX_FILE = re.compile(r"(?:\A|(?<=/))index\.html?\Z")


@dataclass(frozen=True, slots=True)
class Layout:
    """A row of `layouts.toml`, which explains the fields."""

    page: str
    dated: str = ""
    slugged: str = ""
    index: tuple[str, ...] = ("index", "_index")
    folder_page: str = "/:dir/"
    site: tuple[str, ...] = ()
    roots: Mapping[str, str] = field(default_factory=dict)
    slug: tuple[str, ...] = ("slug",)
    lower: bool = False
    numbered: bool = False
    namesake: bool = False

    def roots_in(self, folder: Path) -> Mapping[str, str]:
        """Return the subfolders that the generator makes pages of, with their paths; empty if it is the folder."""
        is_site = any(True for pattern in self.site for _ in folder.glob(pattern))
        return {root: path for root, path in self.roots.items() if is_site and (folder / root).is_dir()}


_table = TypeAdapter(dict[str, Layout])


@cache
def presets() -> Mapping[str, Layout]:
    """Return the layouts by name."""
    rows = tomllib.loads((Path(__file__).parent / "layouts.toml").read_text("utf-8"))
    return _table.validate_python(rows)


def layout_of(name: str) -> Layout | None:
    """Return the layout with this name, or that of a pattern such as `/:year/:slug/`; None if there is none."""
    if name.startswith("/"):
        return Layout(name, index=("index", "_index", "README"))
    return presets().get(name)


def name_date(file: PurePath) -> tuple[datetime | None, str]:
    """Return the date that a file's name begins with, and the rest of the name without its extension.

    The name of `2023-04-05-title/index.md` is that of the folder.
    """
    stem = file.parent.name if file.stem in {"index", "_index"} and file.parent.name else file.stem
    found = _DATED.fullmatch(stem)
    try:
        date = datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC) if found else None
    except ValueError:
        date = None
    return (date, found[4] or stem) if found and date else (None, stem)


def page_address(file: PurePath, matter: FrontMatter, base: str, layout: Layout | None, root: str = "") -> str:
    """Return the address of a file's page below `base`: as its front matter says, else as the layout does, else that of
    the file itself. `root` is the path of the part of the site that the file is in."""
    permalink = matter.first("permalink", "url")
    values = _values(file, matter, layout or Layout(""), root)
    if (found := _from_permalink(permalink, values, base)) is not None:
        return found
    slug = matter.first(*(layout.slug if layout else ("slug",)))
    if slug.startswith("/"):
        return _join(base, f"/{root}{_quoted(slug)}")
    if layout is None:
        if slug:
            return _join(base, _expand("/:dir/:name", values))
        return _join(base, quote(os.fsencode((PurePath(root) / file).as_posix())))
    return _join(base, _expand(_pattern(file, layout, slug), values))


def old_addresses(matter: FrontMatter, base: str) -> tuple[str, ...]:
    """Return the addresses that a page had before."""
    aliases = matter.all("aliases", "redirectfrom")
    return tuple(_join(base, _quoted(alias)) for alias in aliases if alias.startswith("/"))


def _pattern(file: PurePath, layout: Layout, slug: str) -> str:
    date, _ = name_date(file)
    if date and layout.dated:
        return layout.slugged if slug and layout.slugged else layout.dated
    is_index = file.stem in layout.index or (layout.namesake and file.stem == file.parent.name)
    return layout.folder_page if is_index and not slug else layout.page


def _values(file: PurePath, matter: FrontMatter, layout: Layout, root: str) -> Mapping[str, str]:
    in_name, rest = name_date(file)
    date = in_name or matter.published
    parents = list(file.parent.parts)
    if in_name and layout.dated and file.stem in {"index", "_index"}:
        parents.pop()
    posts = parents.index("_posts") if "_posts" in parents else len(parents)
    categories = [*parents[:posts], *" ".join(matter.all("categories", "category")).lower().split()]
    folders = [_named(part, layout) for part in parents if part != "_posts"]
    slug = matter.first(*layout.slug)
    return {
        "root": root,
        "dir": "/".join(_named(part, layout) for part in (*PurePath(root).parts, *folders)),
        "name": _quoted(slug) or _named(rest if in_name and layout.dated else file.stem, layout),
        "slug": _quoted(slug) or _named(rest, layout),
        "title": _quoted(slug) or _named(rest, layout),
        "categories": "/".join(_quoted(name) for name in dict.fromkeys(categories)),
        **({"year": f"{date:%Y}", "month": f"{date:%m}", "day": f"{date:%d}"} if date else {}),
    }


def _named(part: str, layout: Layout) -> str:
    if layout.numbered:
        part = _NUMBER.sub("", part)
    if layout.lower:
        part = re.sub(r"\s+", "-", part.lower())
    return quote(os.fsencode(part.removeprefix("_")))


def _from_permalink(permalink: str, values: Mapping[str, str], base: str) -> str | None:
    """Return the address in the front matter if it is one: no template, and not on another site."""
    if not permalink or re.search(r"[\s{}<>]", permalink):
        return None
    if re.match(r"https?://", permalink):
        return clean_url(permalink) if site_host(permalink) == site_host(base) else None
    path = _expand(permalink, values)
    # Of a site that is not at the root of its host, some generators want the whole path.
    prefix = urlsplit(base).path.strip("/")
    if prefix and path.startswith(f"/{prefix}/"):
        path = path.removeprefix(f"/{prefix}")
    return _join(base, _quoted(path))


def _expand(pattern: str, values: Mapping[str, str]) -> str:
    path = _PLACEHOLDER.sub(lambda found: values.get(found[1], ""), pattern)
    return re.sub(r"/{2,}", "/", f"/{path}")


def _join(base: str, path: str) -> str:
    return f"{base.rstrip('/')}/{_INDEX_FILE.sub('', path).lstrip('/')}"


def _quoted(text: str) -> str:
    return quote(text, safe="/%~:@!$&'()*+,;=")
