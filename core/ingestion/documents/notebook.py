"""Jupyter notebooks: their text, their code, and what it printed."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from core.errors import SourceReadError
from core.ingestion.article import Article
from core.ingestion.html_to_markdown import tidy

MAX_OUTPUT = 2_000
"""Characters of what a cell printed."""

_HIDDEN = frozenset(("remove-cell", "hide-cell", "remove_cell", "remove-input", "hide-input"))


def read_notebook(data: bytes, url: str) -> Article:
    """Read a notebook of any version. Raises SourceReadError."""
    try:
        notebook = json.loads(data)
        sheets = notebook.get("worksheets") or [notebook]  # until version 3
        about = notebook.get("metadata", {})
        language = (about.get("language_info") or about.get("kernelspec") or {}).get("name", "")
        language = (about.get("kernelspec") or {}).get("language", "") or language
        parts = [part for sheet in sheets for cell in sheet.get("cells", ()) for part in _parts(cell, language)]
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise SourceReadError(url, "it is not a notebook") from error
    return Article(str(about.get("title") or ""), "\n\n".join(parts))


def _parts(cell: Mapping[str, Any], language: str) -> Iterator[str]:
    if _HIDDEN & set(cell.get("metadata", {}).get("tags", ())):
        return
    source = tidy(_joined(cell.get("source", cell.get("input", ""))))
    match cell.get("cell_type"):
        case "markdown":
            yield source
        case "heading":
            yield f"{'#' * min(6, int(cell.get('level', 1)))} {source}"
        case "code" if source:
            yield f"```{cell.get('language') or language}\n{source}\n```"
            for output in cell.get("outputs", ()):
                text = tidy(_joined(output.get("text") or (output.get("data") or {}).get("text/plain", "")))
                if text and not text.startswith("<"):  # such as "<Figure size 640x480 with 1 Axes>"
                    yield f"```\n{text[:MAX_OUTPUT]}\n```"


def _joined(lines: object) -> str:
    return "".join(map(str, lines)) if isinstance(lines, list) else str(lines or "")
