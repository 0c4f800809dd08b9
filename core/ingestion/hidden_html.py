"""Removal of hidden text from HTML: readers do not see it, and it may be an instruction meant for the model."""

import re
import sys

from lxml import etree
from lxml.html import HtmlElement, HTMLParser

from core.ingestion.code_blocks import normalize_code
from core.ingestion.disclosures import open_disclosures
from core.ingestion.formulas import normalize_formulas
from core.ingestion.html_tree import text_of
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

_FORMULA_SIGNS = (
    b"<math",
    b"math/tex",
    b"katex",
    b"latex",
    b"mjx-",
    b"mwe-math",
    b"d-math",
    b" math",
    b'"math',
    b"\\(",
    b"\\[",
)
_DISCLOSURE_SIGNS = (
    b"<details",
    b"role=tab",
    b"role='tab",
    b'role="tab',
    b"-toggle=",
    b"nav-tabs",
    b"aria-expanded",
    b"radio",
)
"""Without any of them, a page has no formula, and nothing that opens with a click."""

_SHOWN_LATER = frozenset({"template", "noscript"})
_NO_PROSE = frozenset("a button footer form head header nav noscript script select style template title".split())
_MAX_NOSCRIPT = 500
_MAX_SHELL = 100
"""Characters of prose from which a page has text of its own, however much is hidden."""
_MIN_ARTICLE = 100
_FAR_MORE = 10
_MAX_REVEALED = 3
"""Elements, one in another, that a script shows."""


def visible_html(html: str, url: str) -> str:
    """Return the HTML without hidden text; the same string if nothing hints at any. Raises SourceReadError beyond the
    parser's limits."""
    if not _HINT.search(html) and not _UNEVEN.search(html):
        return html
    tree = visible_tree(html, url, scripted=False)
    return "" if tree is None else etree.tostring(tree, encoding="unicode", method="html")


def visible_tree(html: str, url: str, scripted: bool = True) -> HtmlElement | None:
    """Parse a page without its hidden text; None if it is empty. Raises SourceReadError as above."""
    check_html(html, url)
    source = _INVALID_REFERENCE.sub("", strip_invalid(html)).encode("utf-8", "replace")
    tree = _parsed(source)
    if tree is None:
        return None
    if _HINT.search(html):
        _remove_hidden(tree)
        if scripted and (visible := _prose(tree, _MAX_SHELL)) < _MAX_SHELL:
            shown = _shown_by_script(_parsed(source), visible)
            tree = tree if shown is None else shown
    normalize_code(tree)
    normalize_structure(tree)
    return tree


def _parsed(source: bytes) -> HtmlElement | None:
    """Parse a page, with formulas as TeX, and with what readers open with a click."""
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    tree: HtmlElement | None = etree.fromstring(source, parser)
    if tree is not None:
        tree.set("data-noscript", " ".join(map(text_of, tree.iter("noscript")))[:_MAX_NOSCRIPT])
        lower = source.lower()
        if any(sign in lower for sign in _FORMULA_SIGNS):
            normalize_formulas(tree)
        _remove_scripts(tree)
        if any(sign in lower for sign in _DISCLOSURE_SIGNS):
            open_disclosures(tree)
    return tree


def _shown_by_script(tree: HtmlElement | None, visible: int) -> HtmlElement | None:
    """Return a page with its article shown, if a script has to show it: what is hidden is far more than what is not.
    What is hidden within it stays hidden. None if there is no such article."""
    if tree is None:
        return None
    revealed = False
    for _ in range(_MAX_REVEALED):
        styles = PageStyles()
        hidden = [each for each in tree.iter() if each.tag not in _ROOTS and _may_be_article(each, styles)]
        fullest = max(hidden, key=_prose, default=None)
        if fullest is None or _prose(fullest) < max(_MIN_ARTICLE, _FAR_MORE * visible):
            break
        if fullest.tag in _SHOWN_LATER:
            fullest.tag = "div"
        for name in ("hidden", "aria-hidden", "style"):
            fullest.attrib.pop(name, None)
        revealed = True
    if revealed:
        _remove_hidden(tree)
    return tree if revealed else None


def _may_be_article(element: HtmlElement, styles: PageStyles) -> bool:
    if element.tag in _SHOWN_LATER:
        return True
    style = element.get("style", "")
    return (element.tag not in _NEVER_SHOWN and _is_hidden(element, styles)) or (
        bool(style) and styles.text_look(style, "", "", VISIBLE).invisible
    )


def _prose(element: HtmlElement, enough: int = sys.maxsize) -> int:
    """Return the length of the text, outside of links and of what is around articles; counted until it is `enough`."""
    length = 0
    walk = etree.iterwalk(element, events=("start", "end"))
    for event, node in walk:
        if event == "start" and node is not element and node.tag in _NO_PROSE:
            walk.skip_subtree()
        elif event == "start":
            length += len((node.text or "").strip())
        if event == "end" and node is not element:
            length += len((node.tail or "").strip())
        if length >= enough:
            break
    return length


def _remove_scripts(root: HtmlElement) -> None:
    """Remove scripts, but not the data in JSON-LD."""
    data = root.xpath("//script[@type='application/ld+json']")
    for script in data:
        script.tag = "data"
    etree.strip_elements(root, "script", "style", "svg", "link", with_tail=False)
    for script in data:
        script.tag = "script"


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
