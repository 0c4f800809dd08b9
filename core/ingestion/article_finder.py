"""Which parts of a page are its article: trafilatura tells, and what it overlooks in between is added."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from itertools import islice
from typing import Any

import trafilatura
from lxml import etree
from lxml.html import HtmlElement

from core.ingestion.html_tree import text_of
from core.ingestion.page_structure import BLOCKS, block_containers

_MARK = re.compile("[\u2840-\u287f]{3}")
"""Signs put before the text of each block, three Braille patterns, which tell what trafilatura kept."""

_NEVER_ARTICLE = ("head", "nav", "aside", "footer", "menu", "script", "iframe", "button", "select", "input")
_AROUND = frozenset("nav aside footer header form search menu dialog address".split())
_AROUND_CLASS = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|menu|breadcrumbs?|sidebar|share|sharing|social|related|recommend\w*|comments?|respond"
    r"|newsletter|subscribe|subscription|signup|promo\w*|advert\w*|ads?|sponsor\w*|banner|cookie\w*|consent|popup|modal|toolbar"
    r"|widget\w*|pagination|pager|byline|author\w*|bio|tags?|taglist|categor\w+|meta|toc|outline|footer|masthead|teaser\w*|outbrain"
    r"|taboola|trending|popular|more|read-?next|jp-relatedposts|sharedaddy|credits?|copyright|disqus|skip|print|captions?|media\S*|image\w*|gallery|slider\S*|player|embed|video|inbox)(?:$|[\s_-])",
    re.IGNORECASE,
)
_LIST_TAGS = frozenset({"ul", "ol", "li", "dl"})
_FORMATTING = ("span", "b", "strong", "i", "em", "u", "code", "kbd", "sup", "sub", "small", "mark", "abbr", "font")
"""What trafilatura need not see; it takes less time without."""

_MAX_FORMS = 20
"""That are removed with the box around them."""

_MAX_BOX = 400
"""Characters of the box around a form."""

_MAX_LINKED = 0.5
"""Share of a block's text that may be links, if trafilatura overlooked it."""

_WIDEN_BELOW = 0.5
"""Share of the text of `article` or `main` below which all of it is taken."""

_ASK_AGAIN_BELOW = 0.3
"""Share of the page's text below which trafilatura is asked without favouring precision."""

_MAIN = "//main | //*[@role='main'] | //article | //*[@itemprop='articleBody']"

_MAX_MAINS = 20

_UNITS = BLOCKS - frozenset("html body table tbody thead tfoot tr td th caption ul ol dl hr".split())


_Place = tuple[HtmlElement, bool]
"""Where a text is: an element, and whether it is the text after it."""


@dataclass(slots=True)
class _Unit:
    """A block with text of its own, or a table."""

    element: HtmlElement
    length: int
    linked: float
    begins: tuple["_Place", ...]
    kept: bool = False


def reduce_to_article(root: HtmlElement) -> bool:
    """Remove from a page all that is not its article. Return False, with the page unchanged, if none was found."""
    etree.strip_elements(root, *_NEVER_ARTICLE, with_tail=False)
    for form in list(islice(root.iter("form"), _MAX_FORMS)):
        _drop_form(form)
    units = list(_units(root))
    _ask_trafilatura(root, units, precise=True)
    if _share_kept(units) < _ASK_AGAIN_BELOW:
        _ask_trafilatura(root, units, precise=False)
    if not any(unit.kept for unit in units):
        return False
    _add_overlooked(units)
    _widen(root, units)
    _prune({unit.element for unit in units if unit.kept})
    return True


def _prune(kept: set[HtmlElement]) -> None:
    """Remove everything that is neither kept, nor within what is, nor around it."""
    holders = {ancestor for element in kept for ancestor in element.iterancestors()}
    for holder in holders:
        for child in list(holder):
            if child not in kept and child not in holders and (holder not in kept or child.tag in BLOCKS):
                child.drop_tree()


def _drop_form(form: HtmlElement) -> None:
    """Remove a form with the box around it, such as an invitation to subscribe."""
    box = form
    for ancestor in form.iterancestors():
        if not _AROUND_CLASS.search(ancestor.get("class") or "") or len(text_of(ancestor)) > _MAX_BOX:
            break
        box = ancestor
    if box.getparent() is not None:
        box.drop_tree()


def _units(root: HtmlElement) -> Iterator[_Unit]:
    containers = block_containers(root)
    inside: HtmlElement | None = None
    for element in root.iter(*_UNITS, "table", "td", "th"):
        if inside is not None and inside in element.iterancestors():
            continue
        inside = None
        whole = element.tag == "table" and element.find(".//table") is None and not _lays_out(element)
        if element.tag == "table" and not whole:
            continue
        cells = element.iter("td", "th") if whole else (element,)
        begins = tuple(place for cell in cells if (place := _first_text(cell, containers)) is not None)
        if begins:
            length, linked = _lengths(element, containers)
            inside = element if whole else None
            yield _Unit(element, length, linked / max(1, length), begins)


def _lengths(element: HtmlElement, containers: set[HtmlElement]) -> tuple[int, int]:
    """Return the length of a block's own text, and how much of it is in links."""
    if element.tag == "table":
        return len(text_of(element)), sum(len(text_of(link)) for link in element.iter("a"))
    length, linked = len((element.text or "").strip()), 0
    for child in element:
        if child.tag not in BLOCKS and child not in containers:
            inner = len(text_of(child))
            length += inner
            linked += inner if child.tag == "a" else sum(len(text_of(link)) for link in child.iter("a"))
        length += len((child.tail or "").strip())
    return length, linked


def _lays_out(table: HtmlElement) -> bool:
    return any(True for _ in table.iter("p", "div", "section", "article", "h1", "h2", "h3", "h4", "form"))


def _first_text(element: HtmlElement, containers: set[HtmlElement]) -> _Place | None:
    """Return where a block's own text begins; None if it has none."""
    if (element.text or "").strip():
        return element, False
    for child in element:
        if child.tag not in BLOCKS and child not in containers:
            for node in child.iter():
                if (node.text or "").strip():
                    return node, False
                if node is not child and (node.tail or "").strip():
                    return node, True
        if (child.tail or "").strip():
            return child, True
    return None


def _share_kept(units: list[_Unit]) -> float:
    """Return the share of the page's text outside of links that is kept."""
    total = sum(unit.length for unit in units if unit.linked <= _MAX_LINKED)
    return sum(unit.length for unit in units if unit.kept) / total if total else 1.0


def _ask_trafilatura(root: HtmlElement, units: list[_Unit], precise: bool) -> None:
    """Set `kept` on the blocks that trafilatura takes for the article."""
    restore = [place for number, unit in enumerate(units) for place in _mark(unit.begins, number)]
    marked = copy(root)
    etree.strip_tags(marked, *_FORMATTING)
    found: Any = trafilatura.bare_extraction(
        marked,
        fast=precise,
        favor_precision=precise,
        include_comments=False,
    )
    for node, tail, text in restore:
        if tail:
            node.tail = text
        else:
            node.text = text
    if found is None:
        return
    for mark in _MARK.findall("".join(found.body.itertext())):
        number = (ord(mark[0]) - 0x2840) * 4096 + (ord(mark[1]) - 0x2840) * 64 + ord(mark[2]) - 0x2840
        if number < len(units):
            units[number].kept = True


def _mark(places: Iterable[_Place], number: int) -> Iterator[tuple[HtmlElement, bool, str]]:
    """Put a mark before the text of a block; yield what restores it."""
    mark = "".join(chr(0x2840 + (number >> shift) % 64) for shift in (12, 6, 0))
    for node, tail in places:
        text = (node.tail if tail else node.text) or ""
        yield node, tail, text
        if tail:
            node.tail = mark + text
        else:
            node.text = mark + text


def _add_overlooked(units: list[_Unit]) -> None:
    """Keep what lies between the blocks that are kept, and beside them after the last, unless it is a menu, an
    advertisement or the like."""
    kept = [at for at, unit in enumerate(units) if unit.kept]
    holders = {ancestor: 1 for at in kept for ancestor in units[at].element.iterancestors()}
    parents = Counter(units[at].element.getparent() for at in kept if units[at].linked <= _MAX_LINKED)
    for at, unit in enumerate(units[kept[0] :], kept[0]):
        if unit.kept or _is_around(unit.element, holders):
            continue
        beside = parents[_outermost_list(unit.element).getparent()]
        if (at < kept[-1] and unit.linked <= _MAX_LINKED) or beside >= BESIDE:
            unit.kept = True


BESIDE = 2


def _outermost_list(element: HtmlElement) -> HtmlElement:
    """Return the list that an item is in, else the element itself."""
    while (parent := element.getparent()) is not None and parent.tag in _LIST_TAGS:
        element = parent
    return element


def _widen(root: HtmlElement, units: list[_Unit]) -> None:
    """Keep all of `article` or `main` if what is kept is only a fraction of it."""
    kept = sum(unit.length for unit in units if unit.kept)
    for main in reversed(root.xpath(_MAIN)[:_MAX_MAINS]):
        inside = set(main.iter())
        held = [unit for unit in units if unit.element in inside]
        if sum(unit.length for unit in held if unit.kept) * 2 > kept:
            break
    else:
        return
    held_and_kept = sum(unit.length for unit in held if unit.kept)
    possible = [unit for unit in held if unit.linked <= _MAX_LINKED]
    if held_and_kept >= _WIDEN_BELOW * sum(unit.length for unit in possible):
        return
    around = dict.fromkeys([main, *main.iterancestors()], 1)
    possible = [unit for unit in possible if not _is_around(unit.element, around)]
    if held_and_kept < _WIDEN_BELOW * sum(unit.length for unit in possible):
        for unit in possible:
            unit.kept = True


def _is_around(element: HtmlElement, holders: dict[HtmlElement, int]) -> bool:
    """Return whether an element, or one that holds it but nothing of the article, is a part of the page around it."""
    for each in (element, *element.iterancestors()):
        if each in holders:
            return False
        if "data-caption" in each.attrib or "data-note" in each.attrib:
            return False
        if each.tag in _AROUND or _AROUND_CLASS.search(f"{each.get('class') or ''} {each.get('id') or ''}"):
            return True
    return False
