"""Uneven markup made even: text outside of paragraphs, figures, footnotes, lists in table cells."""

import re
from collections.abc import Iterator

from lxml.html import HtmlElement

from core.ingestion.html_tree import new_element, text_of

BLOCKS = frozenset(
    "address article aside blockquote body caption center dd dialog div dl dt fieldset figcaption figure footer form"
    " h1 h2 h3 h4 h5 h6 header hgroup hr html li main menu nav ol p pre search section table tbody td tfoot th thead tr"
    " ul".split()
)
_TAKES_NO_PARAGRAPH = frozenset(
    "dd dl dt h1 h2 h3 h4 h5 h6 html li ol p pre table tbody td tfoot th thead tr ul".split()
)

_FORM_PARAGRAPHS = 3

_CALLOUT = re.compile(
    r"(?:^|[\s_-])(?:admonition|callout|note|tip|info|hint|warning|caution|danger|alert)", re.IGNORECASE
)
"""Notes within an article, unlike what else is an `aside`."""

_NOTE_TARGET = re.compile(r"#.*(?:fn|note|cite|easy-footnote|sdfootnote|_ftn)", re.IGNORECASE)
_NOTE_SIGN = re.compile(r"\W*(\d{1,3}|[a-z]|[*†‡§]+)\W*", re.IGNORECASE)
_BACK_SIGN = re.compile(r"[\s\ufe0e\ufe0f]*(?:[↩⤴↑^⏎↵]|\[?(?:back|return)\]?)[\s\ufe0e\ufe0f\d]*", re.IGNORECASE)


def normalize_structure(root: HtmlElement) -> None:
    """Make what a reader sees as one paragraph one element, and footnotes text."""
    for figure in list(root.iter("figure")):
        # An unclosed one holds the rest of the page.
        figure.tag = "div"
    for caption in list(root.iter("figcaption")):
        if not any(child.tag in BLOCKS for child in caption):
            caption.tag = "p"
        caption.set("data-caption", "")
    for form in list(root.iter("form")):
        # Some servers put a whole page into one.
        if (
            form.find(".//article") is not None
            or form.find(".//h1") is not None
            or len(form.findall(".//p")) > _FORM_PARAGRAPHS
        ):
            form.tag = "div"
    for aside in list(root.iter("aside")):
        if _CALLOUT.search(aside.get("class") or ""):
            aside.tag = "div"
    _normalize_footnotes(root)
    for cell in [*root.iter("td"), *root.iter("th")]:
        _flatten_lists(cell)
    _wrap_loose_text(root)


def _normalize_footnotes(root: HtmlElement) -> None:
    """Mark references as `[^1]`, remove the links back to them, and mark the notes as `data-note`."""
    notes = set()
    for link in list(root.xpath("//a[contains(@href, '#')]")):
        target, sign = link.get("href"), text_of(link)
        if _BACK_SIGN.fullmatch(sign) or link.get("role") == "doc-backlink":
            link.drop_tree()
        elif _is_reference(link, target) and (found := _NOTE_SIGN.fullmatch(sign)):
            notes.add(target.partition("#")[2])
            for child in list(link):
                link.remove(child)
            link.text = f"[^{found[1]}]"
            link.tag = "span"
    for note in root.xpath("//*[@id]"):
        if note.get("id") in notes and note.tag != "body":
            note.set("data-note", "")


def _is_reference(link: HtmlElement, target: str) -> bool:
    if link.get("role") == "doc-noteref" or "footnote-ref" in (link.get("class") or ""):
        return True
    parent = link.getparent()
    in_superscript = (parent is not None and parent.tag == "sup") or link.find("sup") is not None
    return in_superscript and bool(_NOTE_TARGET.match("#" + target.partition("#")[2]))


def _flatten_lists(cell: HtmlElement) -> None:
    """Make the items of lists lines: Markdown's tables hold no lists."""
    for parent in [*cell.iter("ul"), *cell.iter("ol")]:
        for number, item in enumerate(parent.iterchildren("li"), 1):
            item.text = (f"{number}. " if parent.tag == "ol" else "• ") + (item.text or "").lstrip()
            item.tail = None
            item.append(new_element("br"))
            item.tag = "span"
    for each in [*cell.iter("ul"), *cell.iter("ol")]:
        each.tag = "span"


def _wrap_loose_text(root: HtmlElement) -> None:
    """Make paragraphs of text and inline elements that stand beside blocks."""
    containers = block_containers(root)
    for container in containers:
        if container.tag not in _TAKES_NO_PARAGRAPH:
            for run in list(_runs(container, containers)):
                _wrap(container, *run)


def block_containers(root: HtmlElement) -> set[HtmlElement]:
    """Return the elements that hold blocks."""
    containers: set[HtmlElement] = set()
    for block in root.iter(*BLOCKS):
        for ancestor in block.iterancestors():
            if ancestor in containers:
                break
            containers.add(ancestor)
    return containers


def _runs(
    container: HtmlElement, containers: set[HtmlElement]
) -> Iterator[tuple[HtmlElement | None, list[HtmlElement]]]:
    """Yield the block before each run of inline content, None for the first, with the inline elements of the run."""
    before: HtmlElement | None = None
    run: list[HtmlElement] = []
    for child in container:
        if child.tag in BLOCKS or child in containers:
            yield before, run
            before, run = child, []
        else:
            run.append(child)
    yield before, run


def _wrap(container: HtmlElement, before: HtmlElement | None, run: list[HtmlElement]) -> None:
    lead = (container.text if before is None else before.tail) or ""
    # Emphasis alone is a paragraph; links and buttons alone are a menu.
    if not lead.strip() and not any(
        (each.tail or "").strip() or (each.tag not in {"a", "button", "img"} and text_of(each)) for each in run
    ):
        return
    paragraph = new_element("p", lead)
    if before is None:
        container.text = None
        container.insert(0, paragraph)
    else:
        before.tail = None
        before.addnext(paragraph)
    paragraph.extend(run)
