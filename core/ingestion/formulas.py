"""Formulas as TeX between dollar signs, each once: pages hold them several times, for eyes, readers and scripts."""

import re
from collections.abc import Iterator
from itertools import islice

from lxml.html import HtmlElement

from core.ingestion.html_tree import new_element, replace

_CONTAINER = re.compile(
    r"(?:^|\s)(?:katex(?:-mathml|-display|-inline)?|mwe-math\S*|MathJax\S*|math|tex|ltx_Math|ltx_equation)(?:$|\s)",
    re.I,
)
_RENDERED = re.compile(r"(?:^|\s)(?:MathJax\S*|MJX\S*|mjx\S*)(?:$|\s)")
_DISPLAY = re.compile(
    r"(?:^|\s)(?:katex-display|MathJax_Display|mwe-math\S*-block|display|math-block|ltx_equation)(?:$|\s)"
)
_DELIMITED = re.compile(r"\\\((.{1,2000}?)\\\)|\\\[(.{1,5000}?)\\\]", re.DOTALL)
_LATEX_IMAGE = re.compile(r"latex\.php|latex\.codecogs|/math/render/|render/math|mathtex|mimetex", re.IGNORECASE)
_STYLED = re.compile(r"\A\{\\(?:displaystyle|textstyle)\s*(.*)\}\Z", re.DOTALL)
_LITERAL = frozenset({"pre", "code", "script", "style", "textarea", "kbd", "samp"})


def normalize_formulas(root: HtmlElement) -> None:
    """Replace every formula whose TeX the page holds by that TeX."""
    for element, tex, display in list(_formulas(root)):
        if element.getparent() is not None and tex.strip():
            replace(element, new_element("span", _delimited(tex, display)))
    for element in root.iter():
        if isinstance(element.tag, str) and element.tag not in _LITERAL:
            if element.text and "\\" in element.text:
                element.text = _DELIMITED.sub(_dollars, element.text)
            for child in element:
                if child.tail and "\\" in child.tail:
                    child.tail = _DELIMITED.sub(_dollars, child.tail)


def _formulas(root: HtmlElement) -> Iterator[tuple[HtmlElement, str, bool]]:
    """Yield each formula's outermost element, its TeX, and whether it is displayed as a block."""
    for script in root.xpath("//script[starts-with(@type, 'math/tex')]"):
        for rendered in _rendered_before(script):
            rendered.drop_tree()
        yield script, script.text or "", "display" in script.get("type")
    for math in root.iter("math"):
        annotations = math.xpath(".//annotation[contains(@encoding, 'tex') or contains(@encoding, 'TeX')]")
        tex = annotations[0].text_content() if annotations else math.get("alttext") or ""
        outermost = _outermost(math)
        yield outermost, tex, math.get("display") == "block" or _is_display(outermost)
    for container in root.iter("mjx-container"):
        tex = next(iter(container.xpath("(.//@data-latex|.//@data-tex|@data-latex)[1]")), "")
        yield container, tex, container.get("display") == "true"
    for image in root.iter("img"):
        if image.get("alt") and (
            _LATEX_IMAGE.search(image.get("src") or "") or "latex" in (image.get("class") or "").split()
        ):
            yield image, image.get("alt"), False
    for element in root.xpath("//d-math | //*[contains(concat(' ', @class, ' '), ' math ')][@class != 'math'][not(*)]"):
        text = (element.text or "").strip()
        if text and not text.startswith(("\\(", "\\[", "$")):
            yield element, text, element.get("block") is not None or _is_display(element)


def _rendered_before(script: HtmlElement) -> list[HtmlElement]:
    found = []
    for before in script.itersiblings(preceding=True):
        if (before.tail or "").strip() or not _RENDERED.search(before.get("class") or ""):
            break
        found.append(before)
    return found


def _outermost(math: HtmlElement) -> HtmlElement:
    """Return the element that holds all forms of one formula."""
    outermost = math
    for ancestor in math.iterancestors():
        known = _CONTAINER.search(ancestor.get("class") or "") or str(ancestor.tag).startswith("mjx-")
        if not known or len(list(islice(ancestor.iter("math"), 2))) > 1:
            break
        outermost = ancestor
    return outermost


def _is_display(element: HtmlElement) -> bool:
    around = (element, *([element.getparent()] if element.getparent() is not None else []))
    return any(_DISPLAY.search(each.get("class") or "") for each in around)


def _delimited(tex: str, display: bool) -> str:
    tex = " ".join(tex.split())
    while styled := _STYLED.match(tex):
        tex = styled[1].strip()
    return f"$${tex}$$" if display else f"${tex}$"


def _dollars(match: re.Match[str]) -> str:
    return f"${match[1].strip()}$" if match[1] else f"$${(match[2] or '').strip()}$$"
