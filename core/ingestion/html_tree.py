"""Small operations on HTML trees that lxml lacks."""

from lxml.html import Element, HtmlElement


def new_element(tag: str, text: str = "", **attributes: str) -> HtmlElement:
    """Return an element; `class_` stands for the attribute `class`."""
    element: HtmlElement = Element(tag, {name.rstrip("_"): value for name, value in attributes.items()})
    element.text = text
    return element


def replace(old: HtmlElement, new: HtmlElement) -> None:
    """Put an element in the place of another; the text after it stays."""
    parent = old.getparent()
    if parent is not None:
        new.tail = old.tail
        parent.replace(old, new)


def text_of(element: HtmlElement) -> str:
    """Return the text of an element and its descendants, with single blanks."""
    return " ".join("".join(element.itertext()).split())
