"""Turning the numbers of footnotes into links to their posts."""

from collections.abc import Iterable
from urllib.parse import quote

import regex

from core.domain import Footnote
from core.markdown import split_by_fences

# Whether a number is linked is told from what stands before it alone, so that it stays as more text comes. So a span of
# code that is not closed ends with its paragraph, and a link's address with the first blank.
_NUMBER = regex.compile(
    r"(?P<kept>\\[\\`\[\]]"
    r"|(?P<run>`++)(?:[^`\n]++|\n(?![ \t]*\n)|(?!(?P=run)(?!`))`++)*+(?P=run)?"  # a span of code
    r"|!?\[(?!\d{1,3}\])[^\[\]\n]*\]\([^()\s]*"  # a link
    r"|<https?:[^<>\s]*)"
    r"|(?P<shout>!?)\[(?P<number>\d{1,3})\]",
    regex.DOTALL,
)
_ODD = regex.compile(r"[\s()<>\\`|\"\x00-\x1f\x7f]")


def link_footnotes(markdown: str, posts: Iterable[Footnote], form: str = "[[{number}]]({url})") -> str:
    """The text with each `[1]` as a link to its post, but for code, and for posts that have no web address. What is
    linked so far stays as it is when more text comes."""
    links = {
        post.number: form.format(number=post.number, url=_within_brackets(post.url))
        for post in posts
        if post.url.startswith(("http://", "https://"))
    }

    def link(match: regex.Match[str]) -> str:
        if match["kept"] or int(match["number"]) not in links:
            return match[0]
        # Behind an exclamation mark it would be an image.
        return (f"{match['shout']} " if match["shout"] else "") + links[int(match["number"])]

    return "".join(piece if is_code else _NUMBER.sub(link, piece) for piece, is_code in split_by_fences(markdown))


def _within_brackets(url: str) -> str:
    """An address as Markdown takes it between brackets, in a table, too."""
    return _ODD.sub(lambda sign: quote(sign[0], safe=""), url)
