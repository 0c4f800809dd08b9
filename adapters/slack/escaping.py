"""Escaping of Slack's mentions and markup, and plain text for notifications."""

from collections.abc import Iterable

import regex

from core.chat.footnote_links import link_footnotes
from core.domain import Footnote
from core.markdown import parse_blocks

_JOINER = "\u2060"
"""An invisible word joiner, which keeps Slack from taking the characters around it for a mention."""

_MAX_MENTION = 120
"""Characters between the brackets; Slack ignores longer ones."""

_MENTION = regex.compile(
    rf"<(?P<kind>[!@#])(?P<inner>[^<>\n]{{0,{_MAX_MENTION}}})>"
    r"|(?P<beginning><)(?=[@#]|!(?!--|doctype))"
    r"|(?<![^\W_])@(?P<all>channel|here|everyone)(?![^\W_])",
    regex.IGNORECASE,
)
_UNFINISHED = regex.compile(rf"<(?:[!@#][^<>\n]{{0,{_MAX_MENTION}}})?\Z|(?<![^\W_])@[a-z]{{0,8}}\Z", regex.IGNORECASE)
_COMMENT = regex.compile(r"!(?:--|doctype)", regex.IGNORECASE)
_LINK = regex.compile(r"!?\[((?:[^\[\]\n]|\[[^\[\]\n]*\])*)\]\([^()\s]*\)")
_FOOTNOTE = regex.compile(r"[ ]?\[\d{1,3}\]")
_URL = regex.compile(r"(?P<scheme>https?://|www\.)\S+", regex.IGNORECASE)
_MARKS = regex.compile(r"[*`~#>]+|(?<!\w)_+|_+(?!\w)")

MAX_FALLBACK = 500
"""Characters of the `text` beside blocks, for notifications and screen readers."""


def neutralize_mentions(markdown: str, ended: bool = True) -> str:
    """Replace mentions by plain words, so that they notify no one.

    Until the text has `ended`, a possible beginning of a mention is held back, so that shown text never changes.
    """
    unfinished = None if ended else _UNFINISHED.search(markdown)
    return _MENTION.sub(_as_plain, markdown[: unfinished.start()] if unfinished else markdown)


def render_answer(text: str, footnotes: Iterable[Footnote], ended: bool = True) -> str:
    """Return an answer's text with linked footnotes and without working mentions."""
    return neutralize_mentions(link_footnotes(text, footnotes), ended)


def _as_plain(match: regex.Match[str]) -> str:
    if match["all"]:
        return f"@{_JOINER}{match['all']}"
    if match["beginning"]:
        return f"<{_JOINER}"
    if match["kind"] == "!" and _COMMENT.match(match[0], 1):
        return match[0]
    # The words must not form another mention with the text before them.
    apart = _JOINER if match.string[match.start() - 1 : match.start()] in {"<", "@"} else ""
    return apart + _words_of(match["kind"], match["inner"])


def _words_of(kind: str, inner: str) -> str:
    """Return what users would see for a mention: `<@U1|ada>` is @ada."""
    what, _, label = inner.rpartition("|") if "|" in inner else (inner, "", "")
    name = (label or what).removeprefix("subteam^").lstrip(f"@#{_JOINER}").replace("@", f"@{_JOINER}")
    if what.startswith("date^"):
        return f"{_JOINER}{name}"
    return f"#{name}" if kind == "#" else f"@{_JOINER}{name}"


def fallback(markdown: str) -> str:
    """Return the beginning of an answer without markup and footnotes, escaped, for `text`."""
    plain = " ".join(
        _FOOTNOTE.sub("", _MARKS.sub("", _LINK.sub(r"\1", block.text))) for block in parse_blocks(markdown)
    )
    # Text around removed markup may now form a mention or a link.
    plain = neutralize_mentions(_URL.sub(lambda match: _keep_original_url(match, markdown), " ".join(plain.split())))
    if len(plain) > MAX_FALLBACK:
        plain = plain[:MAX_FALLBACK].rsplit(" ", 1)[0] + " …"
    return escape(plain)


def _keep_original_url(match: regex.Match[str], markdown: str) -> str:
    """Return a URL, broken in two unless the text itself contains it."""
    return match[0] if match[0] in markdown else f"{match['scheme']} {match[0][len(match['scheme']) :]}"


def escape(text: str) -> str:
    """Escape the three characters with a meaning in `mrkdwn` and `text` fields."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
