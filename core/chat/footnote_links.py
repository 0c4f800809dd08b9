"""Links in place of footnote numbers."""

from collections.abc import Iterable
from urllib.parse import quote

import regex

from core.domain import Footnote
from core.markdown import split_by_fences

# Only the text before a number decides whether it is linked, so that shown text never changes as more arrives.
# Therefore an unclosed code span ends with its paragraph, and a link's address with the first blank.
_NUMBER = regex.compile(
    r"(?P<kept>\\[\\`\[\]]"
    r"|(?P<run>`++)(?:[^`\n]++|\n(?![ \t]*\n)|(?!(?P=run)(?!`))`++)*+(?P=run)?"  # a span of code
    r"|!?\[(?!\d{1,3}\])[^\[\]\n]*\]\([^()\s]*"  # a link
    r"|<https?:[^<>\s]*"
    r"|[A-Za-z0-9_]++(?:\[\d{1,3}\])++)"  # an index, as in letters[1]
    r"|(?P<bang>!?)\[(?P<number>\d{1,3})\]",
    regex.DOTALL,
)
_UNSAFE = regex.compile(r"[\s()<>\\`|\"\x00-\x1f\x7f]")


def link_footnotes(markdown: str, posts: Iterable[Footnote], form: str = "[[{number}]]({url})") -> str:
    """Replace each `[1]` by a link to its post, except in code and for posts without a web address.

    The result for a longer text begins with the result for its beginning.
    """
    links = {
        post.number: form.format(number=post.number, url=_escape_url(post.url))
        for post in posts
        if post.url.startswith(("http://", "https://"))
    }

    def link(match: regex.Match[str]) -> str:
        if match["kept"] or int(match["number"]) not in links:
            return match[0]
        # After an exclamation mark it would be an image.
        return (f"{match['bang']} " if match["bang"] else "") + links[int(match["number"])]

    return "".join(piece if is_code else _NUMBER.sub(link, piece) for piece, is_code in split_by_fences(markdown))


def _escape_url(url: str) -> str:
    """Escape what would end a Markdown link or a table cell."""
    return _UNSAFE.sub(lambda match: quote(match[0], safe=""), url)
