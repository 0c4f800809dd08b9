"""Code blocks of all themes as `<pre><code class="language-…">`, without line numbers, buttons and colours."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from lxml import etree
from lxml.html import HtmlElement

from core.ingestion.html_tree import new_element, replace

_NUMBER_CLASS = re.compile(
    r"(?:^|[\s_-])(?:ln|lnt|lnlinks|line-?nos?|line-?numbers?(?:-rows)?|codelinenumber\w*|(?:crayon|blob|code)-nums?"
    r"|hljs-ln-numbers|gutter|linenodiv|linenum)(?:$|[\s_-])",
    re.IGNORECASE,
)
"""Classes of elements that hold the number of a line, if they hold nothing else."""

_LINE_CLASS = re.compile(r"(?:^|\s)(?:line|code-?line|token-line|view-line|crayon-line)(?:$|\s)", re.IGNORECASE)
_LINE_TAGS = frozenset({"div", "li", "p", "tr"})
_LEFT_OUT = frozenset({"button", "script", "style", "svg", "textarea"})

_CODE_CLASS = re.compile(r"(?:^|[\s_-])(?:code|highlight|hljs|syntaxhighlighter|chroma)(?:$|[\s_-])", re.IGNORECASE)

_LANGUAGE = re.compile(
    r"(?:^|\s)(?:language|lang|highlight-source|highlight-text|highlight|brush|src|sourceCode)[-:]\s*"
    r"(?!source-|text-)([a-z][\w+#]*)",
    re.IGNORECASE,
)
_LANGUAGE_ATTRIBUTES = ("data-lang", "data-language", "data-code-language", "data-enlighter-language", "syntax")
_BARE_LANGUAGE = re.compile(
    r"(?:^|\s)(bash|c|clojure|cpp|csharp|css|dart|diff|dockerfile|elixir|erlang|go|graphql|haskell|html|http|ini|java"
    r"|javascript|js|json|jsx|kotlin|lua|makefile|nginx|nix|objectivec|ocaml|perl|php|powershell|python|py|r|ruby|rust"
    r"|scala|scss|sh|shell|sql|swift|toml|ts|tsx|typescript|xml|yaml|yml|zig)(?:$|\s)",
    re.IGNORECASE,
)
"""A class beside that of a highlighter: `hljs python`, `highlight js`."""
_NO_LANGUAGE = frozenset({"plaintext", "plain", "text", "none", "default", "nohighlight", "highlighter", "highlight"})
_ANCESTORS = 3


def normalize_code(root: HtmlElement) -> None:
    """Rewrite the code blocks of a page, including those that are tables of numbers and code."""
    for table in list(root.iter("table")):
        text = _code_of_table(table)
        if text is not None:
            replace(table, _code_block(text, _language(table)))
    for pre in list(root.iter("pre")):
        # The parser closes a `pre` at the next one, but a script may have nested them.
        if pre.getparent() is None or any(True for _ in pre.iterancestors("pre")):
            continue
        text = _code_text(pre)
        if _are_line_numbers(text) and _stands_beside_code(pre):
            pre.drop_tree()
        else:
            replace(pre, _code_block(text, _language(pre)))


def _code_block(text: str, language: str) -> HtmlElement:
    pre = new_element("pre")
    pre.append(new_element("code", text.strip("\n"), **({"class_": f"language-{language}"} if language else {})))
    return pre


def _code_of_table(table: HtmlElement) -> str | None:
    """Return the code that a table shows beside line numbers; None if it is any other table."""
    if table.find(".//table") is not None:
        return None
    rows = [[cell for cell in row if cell.tag in {"td", "th"}] for row in table.iter("tr")]
    rows = [row for row in rows if len(row) > 1]
    if not rows or not all(len(row) == 2 and _is_code(row[1], table) for row in rows):
        return None
    numbers = " ".join(_numbers(row[0]) for row in rows)
    if not _are_line_numbers(numbers) and "".join(row[0].text_content().strip() for row in rows):
        return None
    if not numbers and len(rows) == 1:
        return None
    return "\n".join(_code_text(row[1]).rstrip("\n") if len(rows) > 1 else _code_text(row[1]) for row in rows)


def _numbers(cell: HtmlElement) -> str:
    return _code_text(cell, numbers=True).strip() or cell.get("data-line-number") or ""


def _is_code(cell: HtmlElement, table: HtmlElement) -> bool:
    classes = f"{cell.get('class') or ''} {table.get('class') or ''}"
    return cell.find(".//pre") is not None or cell.find(".//code") is not None or bool(_CODE_CLASS.search(classes))


def _are_line_numbers(text: str) -> bool:
    """Return whether a text is nothing but consecutive numbers."""
    numbers = text.split()
    if not numbers or not all(number.isdecimal() and len(number) < 7 for number in numbers):
        return False
    return [int(number) for number in numbers] == list(range(int(numbers[0]), int(numbers[0]) + len(numbers)))


def _stands_beside_code(pre: HtmlElement) -> bool:
    beside: Iterable[HtmlElement] = pre.itersiblings()
    if next(iter(beside), None) is None and pre.getparent() is not None:
        beside = pre.getparent().itersiblings()
    return any(each.tag == "pre" or each.find(".//pre") is not None for each in beside)


def _code_text(element: HtmlElement, numbers: bool = False) -> str:
    """Return the text of code with its lines, which may be elements without line ends."""
    parts: list[str] = []
    open_lines: list[int] = []
    ended = False  # a line, without a line end so far
    walk = etree.iterwalk(element, events=("start", "end"))
    for event, node in walk:
        if event == "start" and node is not element and not numbers and _is_left_out(node):
            walk.skip_subtree()
            open_lines.append(-1)
            continue
        if event == "start":
            is_line = node is not element and (
                node.tag in _LINE_TAGS or bool(_LINE_CLASS.search(node.get("class") or ""))
            )
            if (is_line and ended) or node.tag == "br":
                parts.append("\n")
                ended = False
            open_lines.append(len(parts) if is_line else -1)
            text = node.text
        else:
            start = open_lines.pop()
            if start >= 0:
                ended = not (len(parts) > start and parts[-1].endswith("\n"))
            text = node.tail if node is not element else None
        if text:
            if ended and not text.startswith("\n"):
                parts.append("\n")
            ended = False
            parts.append(text)
    return "".join(parts)


def _is_left_out(node: HtmlElement) -> bool:
    if node.tag in _LEFT_OUT:
        return True
    style = (node.get("style") or "").replace(" ", "")
    if not _NUMBER_CLASS.search(node.get("class") or "") and "user-select:none" not in style:
        return False
    return not "".join(node.itertext()).strip() or _are_line_numbers("".join(node.itertext()))


def _language(element: HtmlElement) -> str:
    """Return the language that an element, its code or what is around it names; empty if none does."""
    for each in _around(element):
        classes = each.get("class") or ""
        named = next(filter(None, map(each.get, _LANGUAGE_ATTRIBUTES)), "")
        found = _LANGUAGE.search(classes)
        bare = _BARE_LANGUAGE.search(classes) if each.tag != "table" else None
        language = (named or (found[1] if found else "") or (bare[1] if bare else "")).lower()
        if language and language not in _NO_LANGUAGE and re.fullmatch(r"[\w+#.-]{1,20}", language):
            return language
    return ""


def _around(element: HtmlElement) -> Iterator[HtmlElement]:
    yield from element.iter("code")
    yield from element.iter("pre")
    yield element
    parent = element.getparent()
    for _ in range(_ANCESTORS):
        if parent is None or len(list(islice(parent.iter("pre"), 3))) > 2:
            return
        yield parent
        parent = parent.getparent()
