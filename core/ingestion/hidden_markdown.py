"""Markdown without what its readers are not shown: comments, hidden elements, attributes, and the titles of links."""

import re
from collections.abc import Iterator

from core.ingestion.inline_styles import SHOWN, hides, look, parsed
from core.markdown import code_ranges

_NEVER_SHOWN = frozenset("script style template noscript textarea datalist canvas audio video object iframe".split())

_ATTRIBUTE = re.compile(r"([\w:-]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'=<>`]+)))?")
_MARK = re.compile(
    r"(?P<ticks>`+)"
    r"|(?P<comment><!--)"
    r"|<(?P<tag>[a-z][a-z0-9-]*)(?P<attributes>(?:\s(?:[^<>\"']|\"[^\"]{0,2000}\"|'[^']{0,2000}'){0,2000})?)>"
    r"|(?P<link>\]\([^()\s]{0,2000})[ \t]+(?:\"[^\"\n]{0,1000}\"|'[^'\n]{0,1000}'|\([^()\n]{0,1000}\))[ \t]*\)"
    r"|(?P<definition>^ {0,3}\[[^\[\]\n]{1,99}\]:[ \t]*(?:\#|<\#?>)(?:[ \t].*)?$)",
    re.IGNORECASE | re.MULTILINE,
)
_HINT = re.compile(r"<(?:!--|[a-z])|\]\(\S{0,2000}[ \t]+[\"'(]|\]:[ \t]*[#<]", re.IGNORECASE)
_LONGEST_SPAN = 10_000


def visible_markdown(text: str) -> str:
    """The text as it is shown when it is rendered; code stays as it stands."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not _HINT.search(text):
        return text
    return "".join(_shown(text))


def _shown(text: str) -> Iterator[str]:
    code = iter([*code_ranges(text), (len(text), len(text))])
    begin, end = next(code)
    done = place = 0
    last = text.rfind("-->")
    while mark := _MARK.search(text, place):
        while end <= mark.start():
            begin, end = next(code)
        if begin <= mark.start():
            place = end
            continue
        shown, place = _read(mark, text, last)
        if shown is not None:
            yield text[done : mark.start()] + shown
            done = place
    yield text[done:]


def _read(mark: re.Match[str], text: str, last: int) -> tuple[str | None, int]:
    """What is shown in the place of a mark, or None where all is, and where to go on. `last` is where the
    last comment of the text closes."""
    if mark["ticks"]:
        closing = re.compile(rf"(?<!`){mark['ticks']}(?!`)").search(text, mark.end(), mark.end() + _LONGEST_SPAN)
        return None, closing.end() if closing else mark.end()
    if mark["comment"]:
        # What is never closed hides as a block all that follows; within a line it is text.
        end = text.find("-->", mark.start() + 2) if mark.start() + 2 <= last else -1
        alone = not text[text.rfind("\n", 0, mark.start()) + 1 : mark.start()].strip()
        return ("", end + 3) if end >= 0 else ("", len(text)) if alone else (None, mark.end())
    if mark["link"]:
        return mark["link"] + ")", mark.end()
    if mark["definition"]:
        return "", mark.end()
    return _read_tag(mark, text)


def _read_tag(mark: re.Match[str], text: str) -> tuple[str | None, int]:
    tag = mark["tag"].lower()
    attributes = {
        name.lower(): quoted or single or bare for name, quoted, single, bare in _ATTRIBUTE.findall(mark["attributes"])
    }
    if tag in _NEVER_SHOWN or _hidden(attributes):
        return "", _end(tag, text, mark.end())
    if "=" not in mark["attributes"]:
        return None, mark.end()
    target = attributes.get("href", "")
    return (f'<{mark["tag"]} href="{target}">' if target else f"<{mark['tag']}>"), mark.end()


def _hidden(attributes: dict[str, str]) -> bool:
    style = attributes.get("style", "")
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden", "").lower() == "true"
        or hides(style)
        or look(parsed(style), attributes.get("color", ""), attributes.get("bgcolor", ""), SHOWN).hides
    )


def _end(tag: str, text: str, start: int) -> int:
    """Where an element ends; one that is never closed hides all that follows."""
    open_ = 1
    for found in re.compile(rf"<(/?){tag}\b[^<>]{{0,2000}}>", re.IGNORECASE).finditer(text, start):
        open_ += -1 if found[1] else 1
        if open_ == 0:
            return found.end()
    return len(text)
