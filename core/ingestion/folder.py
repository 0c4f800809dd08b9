"""Folders of files as a source: Markdown, text, HTML and documents, of any site generator or none."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from urllib.parse import quote

from bs4.dammit import EncodingDetector

from core.domain import Omission, OmissionReason, Source
from core.errors import SourceReadError
from core.ingestion.charsets import decode
from core.ingestion.documents.requirements import missing
from core.ingestion.entries import DOCUMENTS, Entry, EntryFormat, EntrySkipped, matches_filters
from core.ingestion.fetch_result import Fetched
from core.ingestion.front_matter import FrontMatter, split_front_matter
from core.ingestion.includes import Includer
from core.ingestion.layouts import Layout, layout_of, name_date, old_addresses, page_address

FORMATS: Mapping[str, EntryFormat] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".mdx": "mdx",
    ".txt": "text",
    ".html": "html",
    ".htm": "html",
    ".rst": "rst",
    ".adoc": "asciidoc",
    ".asciidoc": "asciidoc",
    ".ipynb": "notebook",
    ".pdf": "pdf",
    ".docx": "docx",
    ".epub": "epub",
}
MAX_BYTES = 5 * 1024 * 1024
MAX_DOCUMENT_BYTES = 25 * 1024 * 1024
MAX_KINDS = 5
"""Endings of files that are not read, as far as a report names them."""

_DEPENDENCIES = frozenset("node_modules bower_components __pycache__ site-packages venv _site".split())
_CONTENT = frozenset(("_posts", "_index"))
"""Names with an underscore that site generators give to what they publish."""

_INCLUDING = frozenset(("markdown", "mdx", "rst", "asciidoc"))
"""Formats in which files are included in others."""

_AS_THEY_ARE = frozenset(("text", "pdf", "docx", "epub"))
"""Formats that site generators copy instead of making a page of them."""


async def read_folder(source: Source) -> AsyncGenerator[Entry | EntrySkipped | Omission, None]:
    """Yield what is left out, then every file of a known format, sorted by path. Raises SourceReadError if the folder
    does not exist."""
    listing = _Listing(source)
    files = await asyncio.to_thread(listing.files)
    if files is None:
        raise SourceReadError(source.address, "the folder does not exist")
    for omission in listing.omissions():
        yield omission
    for format_, count in listing.unreadable.items():
        yield EntrySkipped(source.address, f"{count:,} {format_} files are not read: {missing(format_)}")
    drafts = 0
    for file in files:
        item = await asyncio.to_thread(listing.entry, file)
        if item is None:
            drafts += 1
        else:
            yield item
    if drafts:
        yield Omission("draft", drafts)


class _Listing:
    """Walks through a folder once, and reads its files."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._folder = Path(source.address)
        self._layout: Layout | None = None
        self._roots: Mapping[str, str] = {}
        self._omitted: Counter[OmissionReason] = Counter()
        self._kinds: Counter[str] = Counter()
        self.unreadable: Counter[str] = Counter()
        """Files for which a library is missing, by their format."""

    def files(self) -> list[Path] | None:
        """Return the files that are read, None if there is no such folder. Blocks."""
        if not self._folder.is_dir():
            return None
        self._layout = layout_of(self._source.layout)
        if self._layout:
            self._roots = self._layout.roots_in(self._folder)
        return sorted(self._walk())

    def omissions(self) -> Iterator[Omission]:
        """Yield what `files` has left out."""
        for reason, count in self._omitted.items():
            kinds = tuple(kind for kind, _ in self._kinds.most_common(MAX_KINDS)) if reason == "kind" else ()
            yield Omission(reason, count, kinds)

    def _walk(self) -> Iterator[Path]:
        for place, folders, names in os.walk(self._folder):
            inside = PurePath(place).relative_to(self._folder)
            folders[:] = [name for name in folders if not self._leaves_out(inside / name)]
            for name in names:
                path = inside / name
                if not self._leaves_out(path) and (self._folder / path).is_file() and self._is_wanted(path):
                    yield self._folder / path

    def _leaves_out(self, path: PurePath) -> bool:
        """Return whether a file or folder is left out for its name, and count it."""
        reason: OmissionReason
        if path.name.startswith("."):
            reason = "hidden"
        elif path.name in _DEPENDENCIES:
            reason = "dependencies"
        elif path.name.startswith("_") and path.stem not in _CONTENT and not self._is_named(path):
            reason = "underscored"
        else:
            return False
        self._omitted[reason] += 1
        return True

    def _is_named(self, path: PurePath) -> bool:
        """Return whether an `include` pattern names something that begins with an underscore itself."""
        return any(
            fnmatchcase(path.as_posix(), "/".join(pattern.split("/")[: len(path.parts)]))
            for pattern in self._source.include
            if pattern.startswith("_") or "/_" in pattern
        )

    def _is_wanted(self, path: PurePath) -> bool:
        if not matches_filters(self._source, path.as_posix()):
            return False
        if self._roots and self._root(path) is None:
            self._omitted["outside"] += 1
            return False
        format_ = FORMATS.get(path.suffix.lower())
        if format_ and missing(format_):
            self.unreadable[format_] += 1
            return False
        if format_:
            return True
        self._omitted["kind"] += 1
        self._kinds[path.suffix.lower() or path.name] += 1
        return False

    def _root(self, path: PurePath) -> str | None:
        return next((root for root in self._roots if path.is_relative_to(root)), None)

    def entry(self, file: Path) -> Entry | EntrySkipped | None:
        """Read a file; None for a draft. Blocks."""
        format_ = FORMATS[file.suffix.lower()]
        try:
            limit = MAX_DOCUMENT_BYTES if format_ in DOCUMENTS else MAX_BYTES
            if file.stat().st_size > limit:
                return EntrySkipped(str(file), f"it is larger than {limit // 1024 // 1024} MB")
            data = b"" if format_ in DOCUMENTS else file.read_bytes()
        except OSError as error:
            return EntrySkipped(str(file), error.strerror or "it could not be opened")
        declared = EncodingDetector.find_declared_encoding(data, is_html=True) if format_ == "html" else None
        matter = split_front_matter(decode(data, declared)[0])
        if matter.is_draft:
            return None
        path = file.relative_to(self._folder)
        in_name, name = name_date(path)
        return Entry(
            url=self._address(path, matter, format_),
            title=matter.first("title"),
            source=self._source,
            published=matter.published or in_name,
            body=Includer(self._folder).included(matter.text, file) if format_ in _INCLUDING else matter.text,
            whole=True,
            language=matter.first("lang", "language", "locale"),
            format=format_,
            modified=matter.modified,
            name="" if format_ == "html" else _readable(name),
            aliases=old_addresses(matter, self._source.published_at) if self._source.published_at else (),
            warning=matter.error,
            file=str(file),
        )

    def _address(self, path: PurePath, matter: FrontMatter, format_: EntryFormat) -> str:
        """Return the file's public URL if the source has one, else a name that is the same on every machine."""
        base = self._source.published_at
        if not base:
            return f"{quote(self._source.name)}/{quote(os.fsencode(path.as_posix()))}"  # a name may not be valid UTF-8
        root = self._root(path)
        if root is not None:
            path = path.relative_to(root)
        layout = None if format_ in _AS_THEY_ARE else self._layout
        return page_address(path, matter, base, layout, self._roots[root] if root else "")


async def read_file(entry: Entry) -> Fetched:
    """Read the file of a document. Raises SourceReadError."""
    try:
        data = await asyncio.to_thread(Path(entry.file).read_bytes)
    except OSError as error:
        raise SourceReadError(entry.file, error.strerror or "it could not be opened") from error
    return Fetched(entry.url, data, "application/octet-stream", None)


def _readable(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "replace").replace("-", " ").replace("_", " ").strip()
