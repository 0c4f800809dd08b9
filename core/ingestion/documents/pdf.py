"""PDF files: the text of each page."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from core.errors import SourceReadError
from core.ingestion.article import Article
from core.ingestion.documents.requirements import require
from core.ingestion.front_matter import parse_date
from core.ingestion.html_to_markdown import tidy

MAX_PAGES = 5_000
MAX_CHARACTERS = 10_000_000

_REPEATED = 0.5
"""Share of the pages from which the same first or last line is a header or a footer."""

_MIN_PAGES = 4
_MAX_EDGES = 2
"""Lines of a header or footer, such as a title and a page number."""

_FULL_LINE = 0.75
"""Share of the longest line that a line fills if its paragraph goes on."""

_SHORT_LINE = 0.5
"""Share of the longest line up to which a line is one of its own, such as one of code."""

_HYPHENS = "\ufffe\x02"
"""Characters that PDFium gives for a hyphen where a word is divided."""

_LIST_ITEM = re.compile(r"(?:[•◦▪‣·*–-]|\(?(?:\d{1,3}|[a-z])[.)])\s")
_BULLET = re.compile(r"\A[•◦▪‣·–]\s*")
_PAGE_NUMBER = re.compile(
    r"(?:page |p\. ?|seite )?[-–—]?\s*(?:\d{1,4}|[ivxl]{1,6})\s*[-–—]?(?:\s*(?:/|of|von)\s*\d{1,4})?", re.I
)
_SENTENCE_END = (".", "!", "?", ":", "。", "！", "？", "”", '"', ")")
_NO_TITLE = re.compile(
    r"untitled|microsoft word|powerpoint|\.(docx?|pptx?|indd|tex|dvi|pdf|qxd|odt)\b|^\W*$", re.IGNORECASE
)
_DATE = re.compile(r"D?:?(\d{4})(\d{2})(\d{2})")


def read_pdf(data: bytes, url: str) -> Article:
    """Read a PDF file. Raises SourceReadError, also if it has nothing but pictures of pages."""
    require("pdf", url)
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        reason = "it needs a password" if "password" in str(error).lower() else "it is damaged or not a PDF file"
        raise SourceReadError(url, reason) from error
    try:
        if len(document) > MAX_PAGES:
            raise SourceReadError(url, f"it has more than {MAX_PAGES:,} pages")
        about, headings = document.get_metadata_dict(), _headings(document)
        pages = _pages([*_lines_of_pages(document, url)], headings)
    finally:
        document.close()
    if not any(pages):
        raise SourceReadError(url, "it contains no text, only pictures of pages")
    title = tidy(about.get("Title", ""))
    date = _DATE.match(about.get("CreationDate", ""))
    return Article(
        "" if _NO_TITLE.search(title) else title,
        "\n\n".join(filter(None, pages)),
        author=tidy(about.get("Author", "")),
        published=parse_date("-".join(date.groups())) if date else None,
        pages=tuple(pages),
    )


def _lines_of_pages(document: Any, url: str) -> Iterator[list[str]]:
    characters = 0
    for number in range(len(document)):
        page = document[number]
        text_page = page.get_textpage()
        text = str(text_page.get_text_bounded())
        text_page.close()
        page.close()
        characters += len(text)
        if characters > MAX_CHARACTERS:
            raise SourceReadError(url, f"it has more than {MAX_CHARACTERS:,} characters")
        yield [line for line in (" ".join(line.split()) for line in text.splitlines()) if line]


def _headings(document: Any) -> frozenset[str]:
    """Return the titles in the outline, as they may stand on their pages."""
    titles = (item.get_title() for _, item in zip(range(MAX_PAGES), document.get_toc(max_depth=6), strict=False))
    return frozenset(filter(None, map(_comparable, titles)))


def _pages(lines: Sequence[list[str]], headings: frozenset[str]) -> list[str]:
    """Return the text of each page, without headers and footers; a sentence stays on the page where it begins."""
    edges = Counter(edge for page in lines if page for edge in {_pattern(page[0]), _pattern(page[-1])})
    often = len(lines) * _REPEATED if len(lines) >= _MIN_PAGES else float("inf")
    repeated = {edge for edge, count in edges.items() if count > often}
    pages = []
    for page in lines:
        for _ in range(_MAX_EDGES):
            page = page[1:] if page and _is_edge(page[0], repeated) else page
            page = page[:-1] if page and _is_edge(page[-1], repeated) else page
        pages.append(_paragraphs(page, headings))
    for before, after in pairwise(pages):
        _move_rest(before, after)
    return [tidy("\n\n".join(page)) for page in pages]


def _is_edge(line: str, repeated: set[str]) -> bool:
    return _pattern(line) in repeated or bool(_PAGE_NUMBER.fullmatch(line))


def _pattern(line: str) -> str:
    return re.sub(r"\d+", "#", line)


def _paragraphs(lines: list[str], headings: frozenset[str]) -> list[str]:
    longest = max(map(len, lines), default=0)
    paragraphs: list[str] = []
    ended = True
    for line in lines:
        is_heading = _comparable(line) in headings
        if is_heading:
            paragraphs.append(f"## {line}")
        elif ended or _LIST_ITEM.match(line):
            paragraphs.append(_BULLET.sub("- ", line))
        else:
            before = paragraphs[-1].rpartition("\n")[2]
            is_short = len(before) < _SHORT_LINE * longest and not before.endswith((*_HYPHENS, "-", ","))
            paragraphs[-1] = f"{paragraphs[-1]}\n{line}" if is_short else _joined(paragraphs[-1], line)
        ended = is_heading or (len(line) < _FULL_LINE * longest and line.endswith(_SENTENCE_END))
    return paragraphs


def _joined(text: str, line: str) -> str:
    if text.endswith(tuple(_HYPHENS)) or (re.search(r"[a-zß-ÿ]-\Z", text) and re.match(r"[a-zß-ÿ]", line)):
        return text[:-1] + line
    return f"{text} {line}"


def _move_rest(before: list[str], after: list[str]) -> None:
    """Move the rest of a sentence from the beginning of a page to the end of the page before."""
    if not before or not after or before[-1].endswith(_SENTENCE_END) or before[-1].startswith("#"):
        return
    if not re.match(r"[a-zß-ÿ]", after[0]):
        return
    end = re.search(r"[.!?](?=\s|\Z)", after[0])
    rest = after[0][: end.end()] if end else after[0]
    before[-1] = _joined(before[-1], rest)
    after[0] = after[0][len(rest) :].lstrip()


def _comparable(line: str) -> str:
    return re.sub(r"[\W\d_]+", "", line).lower()
