"""What Slack would take for more than words in a text, made into plain words, and the text for notifications."""

import regex

from core.markdown import parse_blocks

_JOINER = "\u2060"
"""A word joiner: seen by nobody, and enough that Slack does not take what stands around it for a mention."""

_LONGEST_MARK = 120
"""Characters between the brackets; what is longer means nothing to Slack."""

_CALLING = regex.compile(
    rf"<(?P<kind>[!@#])(?P<inner>[^<>\n]{{0,{_LONGEST_MARK}}})>"
    r"|(?P<beginning><)(?=[@#]|!(?!--|doctype))"
    r"|(?<![^\W_])@(?P<all>channel|here|everyone)(?![^\W_])",
    regex.IGNORECASE,
)
_UNFINISHED = regex.compile(rf"<(?:[!@#][^<>\n]{{0,{_LONGEST_MARK}}})?\Z|(?<![^\W_])@[a-z]{{0,8}}\Z", regex.IGNORECASE)
_COMMENT = regex.compile(r"!(?:--|doctype)", regex.IGNORECASE)
_LINK = regex.compile(r"!?\[((?:[^\[\]\n]|\[[^\[\]\n]*\])*)\]\([^()\s]*\)")
_FOOTNOTE = regex.compile(r"[ ]?\[\d{1,3}\]")
_ADDRESS = regex.compile(r"(?P<scheme>https?://|www\.)\S+", regex.IGNORECASE)
_MARKS = regex.compile(r"[*`~#>]+|(?<!\w)_+|_+(?!\w)")

LONGEST_FALLBACK = 500
"""Characters of `text` beside blocks: what a notification shows, and a screen reader says."""


def neutralize_mentions(markdown: str, ended: bool = True) -> str:
    """The text without anything that would call people together: mentions stand there as plain words.

    Until the text has `ended`, what might become a mention is held back at its end, so that what was shown stays.
    """
    unfinished = None if ended else _UNFINISHED.search(markdown)
    return _CALLING.sub(_plainly, markdown[: unfinished.start()] if unfinished else markdown)


def _plainly(match: regex.Match[str]) -> str:
    if match["all"]:
        return f"@{_JOINER}{match['all']}"
    if match["beginning"]:
        return f"<{_JOINER}"
    if match["kind"] == "!" and _COMMENT.match(match[0], 1):
        return match[0]
    # With what stands before it, the words must not make another mention.
    apart = _JOINER if match.string[match.start() - 1 : match.start()] in {"<", "@"} else ""
    return apart + _words_of(match["kind"], match["inner"])


def _words_of(kind: str, inner: str) -> str:
    """What people would read instead of a mark: `<@U1|ada>` is @ada."""
    what, _, label = inner.rpartition("|") if "|" in inner else (inner, "", "")
    name = (label or what).removeprefix("subteam^").lstrip(f"@#{_JOINER}").replace("@", f"@{_JOINER}")
    if what.startswith("date^"):
        return f"{_JOINER}{name}"
    return f"#{name}" if kind == "#" else f"@{_JOINER}{name}"


def fallback(markdown: str) -> str:
    """The beginning of an answer in plain words, for `text`: without marks and footnotes, and escaped."""
    plain = " ".join(
        _FOOTNOTE.sub("", _MARKS.sub("", _LINK.sub(r"\1", block.text))) for block in parse_blocks(markdown)
    )
    # Where marks and footnotes went, what stood around them may now call somebody or lead somewhere.
    plain = neutralize_mentions(_ADDRESS.sub(lambda match: _as_it_stood(match, markdown), " ".join(plain.split())))
    if len(plain) > LONGEST_FALLBACK:
        plain = plain[:LONGEST_FALLBACK].rsplit(" ", 1)[0] + " …"
    return escape(plain)


def _as_it_stood(match: regex.Match[str], markdown: str) -> str:
    """An address, but cut in two when it does not stand so in the text itself."""
    return match[0] if match[0] in markdown else f"{match['scheme']} {match[0][len(match['scheme']) :]}"


def escape(text: str) -> str:
    """Plain text for `mrkdwn` and `text` fields, where three signs have a meaning of their own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
