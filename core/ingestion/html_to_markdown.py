"""HTML to Markdown: code blocks, headings, lists and tables keep their shape in the text."""

import re

from bs4 import BeautifulSoup
from html_to_markdown import ConversionError, ConversionOptions, convert

from core.ingestion.invisible_characters import visible_text

_PERMALINK = re.compile(r" ?\[[#¶§🔗]?\]\([^)\s]*#[^)\s]*\)")
"""The sign beside a heading that links to the heading itself."""


def to_markdown(html: str, base_url: str) -> str:
    """The visible text of an HTML fragment or page; relative links are resolved against `base_url`."""
    options = ConversionOptions(
        bullets="-",
        skip_images=True,
        extract_metadata=False,
        autolinks=False,
        compact_tables=True,
        base_url=base_url,
    )
    try:
        markdown = convert(html, options).content or ""
    except ConversionError:
        markdown = BeautifulSoup(html, "lxml").get_text("\n")
    return tidy(_PERMALINK.sub("", markdown))


def tidy(text: str) -> str:
    """Without what cannot be seen, and with plain spaces and line ends."""
    return visible_text(text.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ")).strip()
