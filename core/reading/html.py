"""HTML to Markdown: code blocks, headings, lists and tables keep their shape in the text."""

import re

from bs4 import BeautifulSoup
from html_to_markdown import ConversionError, ConversionOptions, convert

_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\ufeff\x00-\x08\x0b\x0c\x0e-\x1f]")
"""Soft hyphens, marks of direction and the like. The joiners U+200C and U+200D stay: Persian and emoji need them."""

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
    return _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ")).strip()
