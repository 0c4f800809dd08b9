"""Conversion of HTML to Markdown that keeps code blocks, headings, lists and tables."""

import re

from bs4 import BeautifulSoup
from html_to_markdown import ConversionError, ConversionOptions, convert

from core.ingestion.invisible_characters import visible_text

_PERMALINK = re.compile(r" ?\[[#¶§🔗]?\]\([^)\s]*#[^)\s]*\)")
"""The anchor sign beside a heading that links to the heading itself."""


def to_markdown(html: str, base_url: str) -> str:
    """Convert an HTML fragment or page; relative links are resolved against `base_url`, images are dropped."""
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
    """Normalize spaces and line ends, and remove invisible characters."""
    return visible_text(text.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ")).strip()
