"""Word documents and EPUB books: archives of XML, which may be made to expand beyond all bounds."""

import zipfile
from collections.abc import Iterator
from io import BytesIO
from posixpath import dirname, join, normpath
from urllib.parse import unquote

from lxml import etree

from core.errors import SourceReadError
from core.ingestion.article import Article
from core.ingestion.charsets import decode
from core.ingestion.documents.requirements import require
from core.ingestion.front_matter import parse_date
from core.ingestion.hidden_html import visible_html
from core.ingestion.html_to_markdown import to_markdown

MAX_FILES = 10_000
MAX_UNPACKED = 100 * 1024 * 1024
"""Bytes of all files of an archive. The archive itself says how many they are, and no more are unpacked."""

MAX_XML = 20 * 1024 * 1024
MAX_CHAPTERS = 2_000

_CONTAINER = "META-INF/container.xml"
_PROTECTION = {"META-INF/rights.xml", "META-INF/sinf.xml"}
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def read_word(data: bytes, url: str) -> Article:
    """Read a Word document (.docx); text that is hidden in it is left out."""
    require("docx", url)
    import mammoth

    with _open(data, url) as archive:
        if "word/document.xml" not in archive.namelist():
            raise SourceReadError(url, "it is not a Word document")
        about = _xml(archive, "docProps/core.xml", url)
        html = mammoth.convert_to_html(
            _without_hidden_text(archive, url), convert_image=mammoth.images.img_element(lambda _: {"src": ""})
        ).value
    text = to_markdown(visible_html(html, url), url)
    return Article(_text(about, "title"), text, _text(about, "language"), published=parse_date(_text(about, "created")))


def read_book(data: bytes, url: str) -> Article:
    """Read the chapters of an EPUB book in their order."""
    with _open(data, url) as archive:
        if _PROTECTION & set(archive.namelist()):
            raise SourceReadError(url, "it is protected against copying")
        root = next((file.get("full-path", "") for file in _elements(_xml(archive, _CONTAINER, url), "rootfile")), "")
        package = _xml(archive, root, url) if root else None
        if package is None:
            raise SourceReadError(url, "it is not an EPUB book")
        texts = [_chapter(archive, name, url) for name in _spine(package, dirname(root))]
    return Article(
        _text(package, "title"),
        "\n\n".join(filter(None, texts)),
        _text(package, "language"),
        _text(package, "creator"),
        parse_date(_text(package, "date")),
    )


def _open(data: bytes, url: str) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise SourceReadError(url, "it is damaged or of another kind than its name says") from error
    files = archive.infolist()
    if len(files) > MAX_FILES or sum(file.file_size for file in files) > MAX_UNPACKED:
        raise SourceReadError(url, "it is too large when it is unpacked")
    return archive


def _read(archive: zipfile.ZipFile, name: str, url: str) -> bytes:
    """Read a file of the archive; empty if there is none."""
    try:
        if archive.getinfo(name).file_size > MAX_XML:
            raise SourceReadError(url, "it is too large when it is unpacked")
        return archive.read(name)
    except KeyError:
        return b""
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise SourceReadError(url, "it is damaged, or needs a password") from error


def _xml(archive: zipfile.ZipFile, name: str, url: str) -> etree._Element | None:
    data = _read(archive, name, url)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, remove_comments=True)
    return etree.fromstring(data, parser) if data.strip() else None


def _without_hidden_text(archive: zipfile.ZipFile, url: str) -> BytesIO:
    """Copy a Word document, without text that Word does not show."""
    copy = BytesIO()
    with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as target:
        for name in archive.namelist():
            if not name.endswith((".xml", ".rels")):
                continue  # pictures and fonts
            data = _read(archive, name, url)
            if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
                raise SourceReadError(url, "it declares entities")
            if b":vanish" in data and (tree := _xml(archive, name, url)) is not None:
                for mark in list(tree.iter(f"{_WORD}vanish")):
                    run = next(mark.iterancestors(f"{_WORD}r"), None)
                    if (
                        run is not None
                        and run.getparent() is not None
                        and mark.get(f"{_WORD}val", "1") not in {"0", "false"}
                    ):
                        run.getparent().remove(run)  # type: ignore[union-attr]
                data = etree.tostring(tree)
            target.writestr(name, data)
    copy.seek(0)
    return copy


def _spine(package: etree._Element, folder: str) -> Iterator[str]:
    """Yield the names of the chapters; the table of contents is none."""
    items = {item.get("id"): item for item in _elements(package, "item")}
    for reference in list(_elements(package, "itemref"))[:MAX_CHAPTERS]:
        item = items.get(reference.get("idref"))
        if (
            item is not None
            and "html" in item.get("media-type", "")
            and "nav" not in item.get("properties", "").split()
        ):
            yield normpath(join(folder, unquote(item.get("href", ""))))


def _chapter(archive: zipfile.ZipFile, name: str, url: str) -> str:
    html, _ = decode(_read(archive, name, url))
    return to_markdown(visible_html(html.partition("?>")[2] if html.lstrip().startswith("<?xml") else html, url), url)


def _elements(tree: etree._Element | None, name: str) -> Iterator[etree._Element]:
    return iter(()) if tree is None else tree.iter(f"{{*}}{name}")


def _text(tree: etree._Element | None, name: str) -> str:
    return next(((element.text or "").strip() for element in _elements(tree, name)), "")
