"""Removal of what rendered Markdown does not show: comments, hidden elements, attributes, and titles of links."""

import re
from collections.abc import Iterator

from core.ingestion.inline_styles import VISIBLE, PageStyles
from core.markdown import code_ranges

_NEVER_SHOWN = frozenset("script style template noscript textarea datalist canvas audio video object iframe".split())

_ATTRIBUTE = re.compile(r"([\w:-]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'=<>`]+)))?")
_MARKUP = re.compile(
    r"(?P<ticks>`+)"
    r"|(?P<comment><!--)"
    r"|<(?P<tag>[a-z][a-z0-9-]*)(?P<attributes>(?:\s(?:[^<>\"']|\"[^\"]{0,2000}\"|'[^']{0,2000}'){0,2000})?)>"
    r"|(?P<link>\]\([^()\s]{0,2000})[ \t]+(?:\"[^\"\n]{0,1000}\"|'[^'\n]{0,1000}'|\([^()\n]{0,1000}\))[ \t]*\)"
    r"|(?P<definition>^ {0,3}\[[^\[\]\n]{1,99}\]:[ \t]*(?:\#|<\#?>)(?:[ \t].*)?$)",
    re.IGNORECASE | re.MULTILINE,
)
_HINT = re.compile(r"<(?:!--|[a-z])|\]\(\S{0,2000}[ \t]+[\"'(]|\]:[ \t]*[#<]", re.IGNORECASE)
_MAX_CODE_SPAN = 10_000
_MAX_INDENT = 100


def visible_markdown(text: str) -> str:
    """Return the text as it is shown when rendered; code stays unchanged."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not _HINT.search(text):
        return text
    return "".join(_visible_parts(text))


def _visible_parts(text: str) -> Iterator[str]:
    styles = PageStyles()
    code = iter([*code_ranges(text), (len(text), len(text))])
    begin, end = next(code)
    done = position = 0
    last_comment_end = text.rfind("-->")
    while markup := _MARKUP.search(text, position):
        while end <= markup.start():
            begin, end = next(code)
        if begin <= markup.start():
            position = end
            continue
        replacement, position = _read(markup, text, last_comment_end, styles)
        if replacement is not None:
            yield text[done : markup.start()] + replacement
            done = position
    yield text[done:]


def _read(markup: re.Match[str], text: str, last_comment_end: int, styles: PageStyles) -> tuple[str | None, int]:
    """Return what replaces the markup, None if it stays, and where to continue."""
    if markup["ticks"]:
        closing = re.compile(rf"(?<!`){markup['ticks']}(?!`)").search(text, markup.end(), markup.end() + _MAX_CODE_SPAN)
        return None, closing.end() if closing else markup.end()
    if markup["comment"]:
        # An unclosed comment hides all that follows if it starts a line; within a line it is text.
        end = text.find("-->", markup.start() + 2) if markup.start() + 2 <= last_comment_end else -1
        indent = text[max(0, markup.start() - _MAX_INDENT) : markup.start()].rpartition("\n")[2]
        return ("", end + 3) if end >= 0 else (None, markup.end()) if indent.strip() else ("", len(text))
    if markup["link"]:
        return markup["link"] + ")", markup.end()
    if markup["definition"]:
        return "", markup.end()
    return _read_tag(markup, text, styles)


def _read_tag(markup: re.Match[str], text: str, styles: PageStyles) -> tuple[str | None, int]:
    tag = markup["tag"].lower()
    attributes = {
        name.lower(): quoted or single or bare
        for name, quoted, single, bare in _ATTRIBUTE.findall(markup["attributes"])
    }
    if tag in _NEVER_SHOWN or _is_hidden(attributes, styles):
        return "", _element_end(tag, text, markup.end())
    if "=" not in markup["attributes"]:
        return None, markup.end()
    target = attributes.get("href", "")
    return (f'<{markup["tag"]} href="{target}">' if target else f"<{markup['tag']}>"), markup.end()


def _is_hidden(attributes: dict[str, str], styles: PageStyles) -> bool:
    style, color, background = (attributes.get(name, "") for name in ("style", "color", "bgcolor"))
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden", "").lower() == "true"
        or styles.hides(style)
        or styles.text_look(style, color, background, VISIBLE).hides
    )


def _element_end(tag: str, text: str, start: int) -> int:
    """Return where an element ends; an unclosed one hides all that follows."""
    depth = 1
    for found in re.compile(rf"<(/?){tag}\b[^<>]{{0,2000}}>", re.IGNORECASE).finditer(text, start):
        depth += -1 if found[1] else 1
        if depth == 0:
            return found.end()
    return len(text)
