"""Removal of hidden text from HTML: readers do not see it, and it may be an instruction meant for the model."""

import re

from lxml import etree
from lxml.html import HtmlElement, HTMLParser

from core.ingestion.code_blocks import normalize_code
from core.ingestion.disclosures import open_disclosures
from core.ingestion.formulas import normalize_formulas
from core.ingestion.inline_styles import VISIBLE, PageStyles
from core.ingestion.invisible_characters import strip_invalid
from core.ingestion.page_structure import normalize_structure
from core.ingestion.parse_limits import check_html

_NEVER_SHOWN = frozenset(
    "template noscript textarea datalist canvas audio video object iframe noembed noframes".split()
)
"""Elements whose text browsers never show, or show only as a fallback."""

_ROOTS = frozenset({"html", "body"})
"""Never removed: pages that fade in or wait for a script hide themselves as a whole."""

_LOOK_ATTRIBUTES = frozenset({"style", "color", "bgcolor"})

_HINT = re.compile(
    rf"<[^<>]*\b(?:style|b?g?color|title|hidden)\b|<(?:{'|'.join(sorted(_NEVER_SHOWN))}|dialog)\b", re.IGNORECASE
)

_INVALID_REFERENCE = re.compile(
    r"&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01]|127|6553[45])|x0*(?:[0-8bcef]|1[0-9a-f]|7f|fff[ef]))(?:;|(?![0-9a-f]))", re.I
)
"""Of characters that the parser puts into a tree, but that lxml does not let us assign."""

_UNEVEN = re.compile(r"<(?:pre|t[dh]|fig|details|sup|math|script|img)\b|role=|\\[(\[]", re.IGNORECASE)

_MAY_HOLD_FORMULA = re.compile(r"math|katex|latex|\\[(\[]|mjx", re.IGNORECASE)


def visible_html(html: str, url: str) -> str:
    """Return the HTML without hidden text; the same string if nothing hints at any. Raises SourceReadError beyond the
    parser's limits."""
    if not _HINT.search(html) and not _UNEVEN.search(html):
        return html
    tree = visible_tree(html, url)
    return "" if tree is None else etree.tostring(tree, encoding="unicode", method="html")


def visible_tree(html: str, url: str) -> HtmlElement | None:
    """Parse a page without its hidden text; None if it is empty. Raises SourceReadError as above."""
    check_html(html, url)
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    valid = _INVALID_REFERENCE.sub("", strip_invalid(html))
    tree: HtmlElement | None = etree.fromstring(valid.encode("utf-8", "replace"), parser)
    if tree is not None:
        if _MAY_HOLD_FORMULA.search(html):
            normalize_formulas(tree)
        _remove_scripts(tree)
        open_disclosures(tree)
        if _HINT.search(html):
            _remove_hidden(tree)
        normalize_code(tree)
        normalize_structure(tree)
    return tree


def _remove_scripts(root: HtmlElement) -> None:
    """Remove scripts, but not the data in JSON-LD."""
    etree.strip_elements(root, "style", "svg", "link", with_tail=False)
    for script in list(root.iter("script")):
        if script.get("type") != "application/ld+json":
            script.drop_tree()


def _remove_hidden(root: etree._Element) -> None:
    styles = PageStyles()
    pending = [(root, VISIBLE)]
    while pending:
        element, look = pending.pop()
        if not _LOOK_ATTRIBUTES.isdisjoint(element.keys()):
            style, color, background = (element.get(name, "") for name in ("style", "color", "bgcolor"))
            look = styles.text_look(style, color, background, look)
        if "title" in element.attrib:
            # A tooltip, which would become visible text in Markdown.
            del element.attrib["title"]
        if look.hides:
            element.text = None
        for child in list(element):
            if look.hides:
                child.tail = None
            if _is_hidden(child, styles):
                _remove(child, element)
            else:
                pending.append((child, look))


def _is_hidden(element: etree._Element, styles: PageStyles) -> bool:
    tag = str(element.tag)
    if tag in _NEVER_SHOWN or (tag == "dialog" and "open" not in element.attrib):
        return True
    if tag in _ROOTS or not element.keys():
        return False
    return (
        "hidden" in element.attrib
        or element.get("aria-hidden", "").strip().lower() == "true"
        or ("style" in element.attrib and styles.hides(element.get("style", "")))
    )


def _remove(child: etree._Element, parent: etree._Element) -> None:
    """Remove an element but keep the text after it."""
    if child.tail:
        previous = child.getprevious()
        if previous is None:
            parent.text = strip_invalid((parent.text or "") + child.tail)
        else:
            previous.tail = strip_invalid((previous.tail or "") + child.tail)
    parent.remove(child)
