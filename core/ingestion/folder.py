"""Folders of Markdown, text and HTML files as a source."""

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import quote

import yaml
from bs4 import UnicodeDammit

from core.domain import Source
from core.errors import SourceReadError
from core.ingestion.entries import Entry, EntrySkipped, matches_filters
from core.markdown import heading_text, parse_blocks

FORMATS = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".html": "html",
    ".htm": "html",
}
MAX_BYTES = 5 * 1024 * 1024

_FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---\s*(?:\n|\Z)", re.DOTALL)


async def read_folder(source: Source) -> AsyncGenerator[Entry | EntrySkipped, None]:
    """Yield every file of a known format, sorted by path. Raises SourceReadError if the folder does not exist."""
    folder = Path(source.address)
    files = await asyncio.to_thread(_files, folder)
    if files is None:
        raise SourceReadError(source.address, "the folder does not exist")
    for file in files:
        if matches_filters(source, file.relative_to(folder).as_posix()):
            yield await asyncio.to_thread(_entry, file, folder, source)


def _files(folder: Path) -> list[Path] | None:
    if not folder.is_dir():
        return None
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in FORMATS
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )


def _entry(file: Path, folder: Path, source: Source) -> Entry | EntrySkipped:
    try:
        if file.stat().st_size > MAX_BYTES:
            return EntrySkipped(str(file), f"it is larger than {MAX_BYTES // 1024 // 1024} MB")
        text = UnicodeDammit(file.read_bytes(), ["utf-8"]).unicode_markup or ""
    except OSError as error:
        return EntrySkipped(str(file), error.strerror or "it could not be opened")
    metadata, body = split_front_matter(text)
    return Entry(
        url=_address(file.relative_to(folder), source),
        title=str(metadata.get("title") or _title(file, body)),
        source=source,
        published=_date(metadata.get("date")),
        body=body,
        whole=True,
        language=str(metadata.get("lang") or metadata.get("language") or ""),
        format=FORMATS[file.suffix.lower()],  # type: ignore[arg-type]
    )


def _address(relative: Path, source: Source) -> str:
    """Return the file's public URL if the source has one, else a name that is the same on every machine."""
    path = quote(os.fsencode(relative.as_posix()))  # a file name may not be valid UTF-8
    return f"{source.published_at.rstrip('/')}/{path}" if source.published_at else f"{quote(source.name)}/{path}"


def split_front_matter(text: str) -> tuple[Mapping[str, object], str]:
    """Split YAML front matter from the text; text between two rules is not front matter."""
    found = _FRONT_MATTER.match(text)
    if not found:
        return {}, text
    try:
        metadata = yaml.safe_load(found[1])
    except (yaml.YAMLError, ValueError):  # ValueError: a date such as 2026-02-30
        return {}, text[found.end() :]
    if not isinstance(metadata, dict) and found[1].strip():
        return {}, text
    return metadata or {}, text[found.end() :]


def _title(file: Path, body: str) -> str:
    if file.suffix.lower() in {".html", ".htm"}:
        return ""  # taken from the page when it is parsed
    if FORMATS[file.suffix.lower()] == "markdown":
        for block in parse_blocks(body):
            if block.kind == "heading" and block.level == 1 and heading_text(block):
                return heading_text(block)
    stem = os.fsencode(file.stem).decode("utf-8", "replace")
    return stem.replace("-", " ").replace("_", " ")


def _date(value: object) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime(value.year, value.month, value.day, tzinfo=UTC) if isinstance(value, date) else None
