"""What readers are not shown is taken out: it is no part of a post, and it may be meant for a model alone."""

import re

from lxml import etree
from lxml.html import HtmlElement, HTMLParser

from core.ingestion.inline_styles import SHOWN, hides, look, parsed
from core.ingestion.invisible_characters import without_controls
from core.ingestion.parse_limits import check_html

_NEVER_SHOWN = frozenset(
    "template noscript textarea datalist canvas audio video object iframe noembed noframes".split()
)
"""Elements whose text a browser shows to nobody, or only when it cannot show what is meant."""

_WHOLE = frozenset({"html", "body"})
"""Pages that fade in, or that wait for a script, hide themselves as a whole."""

_SAYING = frozenset({"style", "color", "bgcolor"})

_HINT = re.compile(
    rf"<[^<>]*\b(?:style|b?g?color|title|hidden)\b|<(?:{'|'.join(sorted(_NEVER_SHOWN))}|dialog)\b", re.IGNORECASE
)


def visible_html(html: str, url: str) -> str:
    """The HTML without what readers are not shown; as it is where nothing hints at such a thing. Raises
    SourceReadError for
    what is too large or too deep to be looked at."""
    if not _HINT.search(html):
        return html
    tree = visible_tree(html, url)
    return "" if tree is None else etree.tostring(tree, encoding="unicode", method="html")


def visible_tree(html: str, url: str) -> HtmlElement | None:
    """A page without what readers are not shown; None when there is nothing in it. Raises SourceReadError as above."""
    check_html(html, url)
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    tree: HtmlElement | None = etree.fromstring(without_controls(html).encode("utf-8", "replace"), parser)
    if tree is not None and _HINT.search(html):
        _clean(tree)
    return tree


def _clean(root: etree._Element) -> None:
    waiting = [(root, SHOWN)]
    while waiting:
        element, above = waiting.pop()
        here = above
        if not _SAYING.isdisjoint(element.keys()):
            style = parsed(element.get("style", ""))
            here = look(style, element.get("color", ""), element.get("bgcolor", ""), above)
        if "title" in element.attrib:
            # What it says shows when a pointer rests on it, and would read like text in Markdown.
            del element.attrib["title"]
        if here.hides:
            element.text = None
        for child in list(element):
            if here.hides:
                child.tail = None
            if _hidden(child):
                _remove(child, element)
            else:
                waiting.append((child, here))


def _hidden(element: etree._Element) -> bool:
    tag = str(element.tag)
    if tag in _NEVER_SHOWN or (tag == "dialog" and "open" not in element.attrib):
        return True
    if tag in _WHOLE or not element.keys():
        return False
    return (
        "hidden" in element.attrib
        or element.get("aria-hidden", "").strip().lower() == "true"
        or ("style" in element.attrib and hides(element.get("style", "")))
    )


def _remove(child: etree._Element, parent: etree._Element) -> None:
    """Takes an element out, and leaves the text behind it."""
    if child.tail:
        before = child.getprevious()
        if before is None:
            parent.text = without_controls((parent.text or "") + child.tail)
        else:
            before.tail = without_controls((before.tail or "") + child.tail)
    parent.remove(child)
