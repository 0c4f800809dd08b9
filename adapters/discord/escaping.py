"""Escaping of text for Discord: no pings, no link previews, no accidental formatting. All functions are pure."""

import regex

MAX_MESSAGE = 2_000
"""Characters of a message."""

_JOINER = "\u2060"
"""A word joiner: invisible, and enough to keep Discord from reading a mention."""

_CODE = (
    r"^[ ]{0,3}(?P<fence>`{3,}|~{3,})[^\n]*\n(?:.*?\n)??(?:[ ]{0,3}(?P=fence)[`~]*[ ]*(?=\n|\Z)|\Z)"
    r"|(?<!`)(?P<run>`+)(?!`)(?:(?!\n\n).)*?(?<!`)(?P=run)(?!`)"
)
_SYNTAX = regex.compile(
    rf"(?P<code>{_CODE})"
    # A link, whose label may contain brackets, with or without angle brackets around its address; an image counts.
    r"|!?(?P<label>\[(?:[^\[\]\n]|\[[^\[\]\n]*\])*\])\((?P<target><[^<>\s]*>|[^()\s<>]*)\)"
    r"|<(?P<angled>https?://[^<>\s]+)>"
    r"|(?P<bare>https?://[^\s<>\[\]]+)"
    r"|^(?P<deep>#{4,6})(?=[ ])",
    regex.MULTILINE | regex.DOTALL,
)
_MENTION = regex.compile(r"@(?=everyone\b|here\b)|<(?=@[!&]?\d|#\d|/|id:)", regex.IGNORECASE)
_FORMATTING = regex.compile(r"[\\*_~`|\[\]<>#@]")
_AFTER_ADDRESS = regex.compile(r"[.,;:!?)\]}'\"*_…]+\Z")


def neutralize_mentions(markdown: str) -> str:
    """Return Markdown that pings nobody and previews no link.

    Code is kept, except for mentions in it. Discord knows only three levels of headings; deeper ones become the third.
    """
    return _MENTION.sub(rf"\g<0>{_JOINER}", _SYNTAX.sub(_suppress_preview, markdown))


def _suppress_preview(match: regex.Match[str]) -> str:
    if match["label"] is not None:
        return f"{match['label']}(<{match['target'].strip('<>')}>)" if match["target"].strip("<>") else match[0]
    if match["bare"] is not None:
        address = _AFTER_ADDRESS.sub("", match["bare"])
        return f"<{address}>{match['bare'][len(address) :]}"
    if match["deep"] is not None:
        return "###"
    return match[0]


def plain(text: str) -> str:
    """Return the text as one line with all formatting characters escaped."""
    return _MENTION.sub(rf"\g<0>{_JOINER}", _FORMATTING.sub(r"\\\g<0>", " ".join(text.split())))


def shorten(text: str, limit: int) -> str:
    """Return the text as one line of at most `limit` characters, cut with an ellipsis."""
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def cut_message(text: str) -> str:
    """Return Markdown that fits into a message, cut between words and never inside a backslash escape."""
    if len(text) <= MAX_MESSAGE:
        return text
    space = max(text.rfind(" ", 0, MAX_MESSAGE), text.rfind("\n", 0, MAX_MESSAGE))
    kept = text[: space if space > MAX_MESSAGE // 2 else MAX_MESSAGE - 1].rstrip()
    backslashes = len(kept) - len(kept.rstrip("\\"))
    return kept[: len(kept) - backslashes % 2] + "…"
