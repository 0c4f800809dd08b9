"""What Discord would take for more than words in a text, made into plain words. All of it is pure."""

import regex

_JOINER = "\u2060"
"""A word joiner: seen by nobody, and enough that Discord does not take what stands around it for a mention."""

_CODE = (
    r"^[ ]{0,3}(?P<fence>`{3,}|~{3,})[^\n]*\n(?:.*?\n)??(?:[ ]{0,3}(?P=fence)[`~]*[ ]*(?=\n|\Z)|\Z)"
    r"|(?<!`)(?P<run>`+)(?!`)(?:(?!\n\n).)*?(?<!`)(?P=run)(?!`)"
)
_MEANT = regex.compile(
    rf"(?P<code>{_CODE})"
    # A link, whose label may hold brackets, with its address between angles or not; a picture is a link here.
    r"|!?(?P<label>\[(?:[^\[\]\n]|\[[^\[\]\n]*\])*\])\((?P<target><[^<>\s]*>|[^()\s<>]*)\)"
    r"|<(?P<angled>https?://[^<>\s]+)>"
    r"|(?P<bare>https?://[^\s<>\[\]]+)"
    r"|^(?P<deep>#{4,6})(?=[ ])",
    regex.MULTILINE | regex.DOTALL,
)
_CALL = regex.compile(r"@(?=everyone\b|here\b)|<(?=@[!&]?\d|#\d|/|id:)", regex.IGNORECASE)
_MARK = regex.compile(r"[\\*_~`|\[\]<>#@]")
_AFTER_ADDRESS = regex.compile(r"[.,;:!?)\]}'\"*_…]+\Z")


def neutralize_mentions(markdown: str) -> str:
    """The text as Discord is to show it: it calls nobody together, and links show no preview.

    Code is left as it is, but for mentions. Discord knows three sizes of headings.
    """
    return _CALL.sub(rf"\g<0>{_JOINER}", _MEANT.sub(_quiet, markdown))


def _quiet(match: regex.Match[str]) -> str:
    if match["label"] is not None:
        return f"{match['label']}(<{match['target'].strip('<>')}>)" if match["target"].strip("<>") else match[0]
    if match["bare"] is not None:
        address = _AFTER_ADDRESS.sub("", match["bare"])
        return f"<{address}>{match['bare'][len(address) :]}"
    if match["deep"] is not None:
        return "###"
    return match[0]


def plain(text: str) -> str:
    """Words as they are, in one line: no mark in them means anything to Discord."""
    return _CALL.sub(rf"\g<0>{_JOINER}", _MARK.sub(r"\\\g<0>", " ".join(text.split())))


def short(text: str, longest: int) -> str:
    """The text in one line, cut with an ellipsis when it is longer."""
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
