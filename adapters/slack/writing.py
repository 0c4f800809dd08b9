"""What Slack would take for more than words in a text, made into plain words, and the text for notifications."""

import regex

from core.markdown import blocks

_JOINER = "\u2060"
"""A word joiner: seen by nobody, and enough that Slack does not take what stands around it for a mention."""

_CONTROL = regex.compile(
    r"<!(?P<special>channel|here|everyone)(?:\|[^<>\n]*)?>"
    r"|<!subteam\^(?P<group>[A-Z0-9]+)(?:\|@?(?P<group_name>[^<>\n]*))?>"
    r"|<!date\^[^<>|\n]*\|(?P<date>[^<>\n]*)>"
    r"|<@(?P<user>[A-Z0-9]+)(?:\|@?(?P<user_name>[^<>\n]*))?>"
    r"|<#(?P<channel>[A-Z0-9]+)(?:\|#?(?P<channel_name>[^<>\n]*))?>"
    r"|(?<![\w@])@(?P<word>channel|here|everyone)\b",
    regex.IGNORECASE,
)
_BEGINNING = regex.compile(r"<(?=[!@#])")
_LINK = regex.compile(r"!?\[((?:[^\[\]\n]|\[[^\[\]\n]*\])*)\]\([^()\s]*\)")
_FOOTNOTE = regex.compile(r"[ ]?\[\d{1,3}\]")
_MARKS = regex.compile(r"[*`~#>]+|(?<!\w)_+|_+(?!\w)")

LONGEST_FALLBACK = 500
"""Characters of `text` beside blocks: what a notification shows, and a screen reader says."""


def harmless(markdown: str) -> str:
    """The text without anything that would call people together: mentions stand there as plain words."""
    return _BEGINNING.sub(f"<{_JOINER}", _CONTROL.sub(_word, markdown))


def _word(match: regex.Match[str]) -> str:
    if match["channel"]:
        return f"#{match['channel_name'] or match['channel']}"
    if match["date"] is not None:
        return match["date"]
    name = match["special"] or match["word"] or match["group_name"] or match["group"]
    return f"@{_JOINER}{name or match['user_name'] or match['user']}"


def fallback(markdown: str) -> str:
    """The beginning of an answer in plain words, for `text`: without marks and footnotes, and escaped."""
    plain = " ".join(_FOOTNOTE.sub("", _MARKS.sub("", _LINK.sub(r"\1", block.text))) for block in blocks(markdown))
    plain = " ".join(plain.split())
    if len(plain) > LONGEST_FALLBACK:
        plain = plain[:LONGEST_FALLBACK].rsplit(" ", 1)[0] + " …"
    return escape(plain)


def escape(text: str) -> str:
    """Plain text for `mrkdwn` and `text` fields, where three signs have a meaning of their own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
