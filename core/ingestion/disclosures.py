"""What readers open with a click: tabs, accordions and details, each under its label."""

import re
from collections.abc import Iterator

from lxml.html import HtmlElement

from core.ingestion.html_tree import new_element, text_of

_MENU = frozenset({"nav", "header", "footer", "aside", "form", "ul", "ol"})
_TARGETS = ("aria-controls", "data-bs-target", "data-target", "href")
_HIDING = ("hidden", "aria-hidden", "style")
_TAB = (
    "//*[@role='tab'] | //*[@data-toggle='tab' or @data-bs-toggle='tab' or @data-bs-toggle='pill']"
    " | //*[contains(@class, 'nav-tabs')]//a"
)
MAX_LABEL = 80
"""Characters; a longer label is not repeated."""


def open_disclosures(root: HtmlElement) -> None:
    """Show what tabs and the like hide, with the label above it, and remove the labels from where they were."""
    for details in list(root.iter("details")):
        details.tag = "div"
        for summary in details.findall("summary")[:1]:
            _to_label(summary)
    for panel in root.xpath("//*[@role='tabpanel']"):
        _show(panel)
    for label, panel in {panel: (label, panel) for label, panel in _pairs(root)}.values():
        text = text_of(label)
        _show(panel)
        if text and len(text) <= MAX_LABEL:
            panel.insert(0, _label(text))
            panel[0].tail, panel.text = panel.text, None
        if label.getparent() is not None and panel not in label.iterancestors():
            label.drop_tree()


def _pairs(root: HtmlElement) -> Iterator[tuple[HtmlElement, HtmlElement]]:
    """Yield each label with the panel that it opens."""
    tabs, openers = root.xpath(_TAB), root.xpath("//*[@aria-expanded][@aria-controls]")
    panels = root.xpath("//*[@role='tabpanel'][@aria-labelledby]")
    named = {element.get("id"): element for element in root.xpath("//*[@id]")} if tabs or panels or openers else {}
    for tab in tabs:
        targets = (re.sub(r"\A#", "", tab.get(name) or "") for name in _TARGETS)
        panel = next((named[target] for target in targets if target in named), None)
        if panel is not None:
            yield tab, panel
    for panel in panels:
        tab = named.get(panel.get("aria-labelledby"))
        if tab is not None:
            yield tab, panel
    for labels in root.xpath("//*[@role='tablist']") if tabs else ():
        around = labels.getparent()
        unnamed = around.xpath(".//*[@role='tabpanel']") if around is not None else []
        yield from _in_order(labels.xpath(".//*[@role='tab']"), unnamed)
    yield from _radio_pairs(root)
    for opener in openers:
        panel = named.get(opener.get("aria-controls"))
        if panel is not None and _MENU.isdisjoint(each.tag for each in (panel, *panel.iterancestors())):
            yield opener, panel


def _radio_pairs(root: HtmlElement) -> Iterator[tuple[HtmlElement, HtmlElement]]:
    """Yield the labels of radio buttons with what follows them, one by one or as a row of panels after all labels."""
    rows: dict[HtmlElement, list[HtmlElement]] = {}
    radios = {radio.get("id") for radio in root.xpath("//input[@type='radio'][@id]")}
    for label in root.iter("label"):
        if label.get("for") in radios:
            panel = label.getnext()
            if panel is not None and panel.tag == "div":
                yield label, panel
            else:
                rows.setdefault(label.getparent(), []).append(label)
    for parent, labels in rows.items():
        after = parent.getnext()
        if after is not None:
            yield from _in_order(labels, list(after))


def _in_order(labels: list[HtmlElement], panels: list[HtmlElement]) -> Iterator[tuple[HtmlElement, HtmlElement]]:
    if len(labels) == len(panels):
        yield from zip(labels, panels, strict=True)


def _show(panel: HtmlElement) -> None:
    for name in _HIDING:
        panel.attrib.pop(name, None)


def _label(text: str) -> HtmlElement:
    paragraph = new_element("p")
    paragraph.append(new_element("strong", text))
    return paragraph


def _to_label(summary: HtmlElement) -> None:
    text = text_of(summary)
    if summary.find(".//h2") is not None or summary.find(".//h3") is not None or not text:
        summary.tag = "div"
        return
    label, tail = _label(text), summary.tail
    label.tail = tail
    parent = summary.getparent()
    if parent is not None:
        parent.replace(summary, label)
