"""Turning the numbers of footnotes into links to their posts."""

from collections.abc import Iterable

import regex

from core.vocabulary import Footnote

_NUMBER = regex.compile(
    r"(?P<kept>"
    r"^[ ]{0,3}(?P<fence>`{3,}|~{3,})[^\n]*(?:\n.*?)??(?:\n[ ]{0,3}(?P=fence)[`~]*[ ]*(?=\n|\Z)|\Z)"  # a block of code
    r"|(?<!`)(?P<run>`+)(?!`)(?:(?!\n\n).)*?(?<!`)(?P=run)(?!`)"  # a span of code
    r"|!?\[[^\[\]\n]*\]\([^()\s]*\))"  # a link
    r"|\[(?P<number>\d{1,3})\]",
    regex.MULTILINE | regex.DOTALL,
)


def linked(markdown: str, posts: Iterable[Footnote], form: str = "[[{number}]]({url})") -> str:
    """The text with each `[1]` as a link to its post, but for code, and for posts that have no web address. What is
    linked so far stays as it is when more text comes."""
    links = {
        post.number: form.format(number=post.number, url=_within_brackets(post.url))
        for post in posts
        if post.url.startswith(("http://", "https://"))
    }

    def link(match: regex.Match[str]) -> str:
        return match[0] if match["kept"] else links.get(int(match["number"]), match[0])

    return _NUMBER.sub(link, markdown)


def _within_brackets(url: str) -> str:
    """An address as Markdown takes it between brackets."""
    for sign, escaped in (("(", "%28"), (")", "%29"), (" ", "%20"), ("<", "%3C"), (">", "%3E")):
        url = url.replace(sign, escaped)
    return url
