"""What site generators and note programs add to Markdown, turned into what their readers see, or left out.

Hugo, Jekyll, Docusaurus, MkDocs, Astro, VitePress, Eleventy, GitBook and Obsidian, whose notations hardly overlap; so
none has to be configured. Code stays as it is.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from core.markdown import split_by_fences

_ADMONITIONS = frozenset(
    "note seealso abstract summary tldr info todo tip hint important success check done question help faq warning "
    "caution attention failure fail missing danger error bug example quote cite details secondary".split()
)
_LABELS = frozenset(("caption", "content", "title", "summary", "label", "name", "header", "tab", "text", "heading"))
"""Parameters of a shortcode or component that readers see."""

_LOGIC = frozenset("assign set capture if elsif elif unless for case when with block extends import from macro".split())
"""Tags of templates that show nothing themselves."""

_TITLED = frozenset(
    "tab tabitem details expand notice alert admonition callout hint spoiler accordion accordionitem step".split()
)
"""Shortcodes whose first parameter in quotation marks is their title."""

_MAX_TITLE = 300
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_MKDOCS = re.compile(
    r"(?:!!!|\?\?\?\+?|===\+?)[ \t]+(?P<type>[\w-]+(?:[ \t]+[\w-]+)*)?[ \t]*(?:\"(?P<title>[^\"\n]*)\")?[ \t]*"
)
_CONTAINER = re.compile(
    r":{3,}[ \t]*(?P<type>[\w-]+)?[ \t]*(?:\[(?P<label>[^\]\n]*)\])?[ \t]*(?P<title>[^\n{]*?)[ \t]*(?:\{[^}\n]*\})?"
    r"[ \t]*"
)
_CALLOUT = re.compile(
    r"^(?P<quote>(?:[ \t]*>)+)[ \t]*\[!(?P<type>[\w-]+)(?:\|[^\]\n]*)?\][-+]?[ \t]*(?P<title>.*)$", re.MULTILINE
)

_ARGUMENT = re.compile(r"(?:([\w-]+)[ \t]*=[ \t]*)?(?:\"([^\"]*)\"|'([^']*)'|`([^`]*)`)")

_CODE = r"`[^`\n]+`|"
"""Skipped where it stands before an opening mark."""

_HIGHLIGHTS = (
    (
        re.compile(r"\{\{[<%]\s*highlight\s+[\"']?(?P<language>[\w+#-]*)[^\n}]{0,300}[%>]\}\}\n?"),
        re.compile(r"\{\{[<%]\s*/\s*highlight\s*[%>]\}\}"),
    ),
    (
        re.compile(r"\{%-?\s*highlight\s+(?P<language>[\w+#-]*)[^%\n]{0,300}%\}\n?"),
        re.compile(r"\{%-?\s*endhighlight\s*-?%\}"),
    ),
)
_COMMENTS = tuple(
    (re.compile(f"{_CODE}(?P<mark>{opening})"), re.compile(closing))
    for opening, closing in (
        (r"\{%-?\s*comment\b", r"\bendcomment\s*-?%\}"),
        (r"\{\{[<%]\s*comment\s*[%>]\}\}", r"\{\{[<%]\s*/\s*comment\s*[%>]\}\}"),
        (r"\{\{-?\s*/\*", r"\*/\s*-?\}\}"),
        (r"\{/\*", r"\*/\}"),
        (r"\{::comment\}", r"\{:/(?:comment)?\}"),
        (r"\{#(?=[\s-])", r"#\}"),
        (r"(?<![\w%])%%(?!%)", r"%%(?![\w%])"),
    )
)
_RAW = (re.compile(r"\{%-?\s*raw\s*-?%\}"), re.compile(r"\{%-?\s*endraw\s*-?%\}"))

_MARKUP = re.compile(
    r"(?P<code>`[^`\n]+`|(?<!`)(?P<ticks>`{2,4})(?!`)[^\n]{1,500}?(?<!`)(?P=ticks)(?!`))"
    r"|(?P<math>\$\$[^$]{1,4000}\$\$|(?<![\\$\w])\$[^$\n]{1,300}\$(?!\d))"
    r"|\{\{[<%]-?(?P<shortcode>[^{}]{0,2000}?)[-/]?[>%]\}\}"
    r"|\{%-?\s*(?P<tag>[^{}%]{1,2000}(?:\{\{[^{}]*\}\}[^{}%]*)?)-?%\}"
    r"|\{\{-?(?P<output>[^{}<>%\n]{1,500})-?\}\}"
    r"|(?P<attributes>(?:(?<=[\s)\]*_`\"])|^)\{(?::[^{}\n]{0,300}|[ ]?[.\#][A-Za-z][^{}\n]{0,300})\})"
    r"|(?P<kramdown>\{::[^{}\n]{0,300}/?\}|\{:/[^{}\n]{0,60}\})"
    r"|(?P<embed>!?)(?<![\w\]\\])\[\[(?P<page>[^\[\]\n|]{1,300})(?:\|(?P<alias>[^\[\]\n]{0,300}))?\]\](?!\()"
    r"|(?P<toc>^[ \t]*(?:\[\[?_?TOC_?\]\]?|\[toc\])[ \t]*$)"
    r"|(?P<include>^[ \t]*(?:--8<--[^\n]*|<<<[ \t]+[^\n]+|\{![^\n]*!\}|;--8<--[^\n]*)$)"
    r"|(?P<component></?(?P<name>[A-Z][\w.]*)(?P<props>(?:\s(?:[^<>\"'{}]|\"[^\"]{0,999}\"|'[^']{0,999}'|\{[^{}]{0,999}\}){0,999})?)/?>)"
    r"|(?P<block>(?<=\S)[ \t]+\^[A-Za-z0-9-]{4,40}$)",
    re.DOTALL | re.MULTILINE,
)
_HINT = re.compile(
    r"\{[%{:#/.! ]|\[\[|\[TOC\]|\[toc\]|\[!|:::|!!!|\?\?\?|===|%%|--8<--|<<<|<[A-Z]|\^[A-Za-z0-9-]{4,40}$", re.MULTILINE
)
_EMPTY_LINK = re.compile(r"(`[^`\n]+`)|(?<![!\w])\[([^\[\]\n]+)\]\([ \t]*\)")
_MODULE = re.compile(r"^(?:import|export)[ \t{*'\"](?:.+(?:\n|\Z))+", re.MULTILINE)
_EXPRESSION = re.compile(r"(?<!\\)\{(?:[ \t]*(?P<mark>[\"'`])(?P<text>[^\"'`{}\n]*)(?P=mark)[ \t]*|[^{}\n]*)\}")
_FIELD = re.compile(r"(?:(?:page|\$?frontmatter|\.Params|\.Page)\.|\.)?([A-Za-z_]\w*)(?:\s*\|.*)?")
_CODE_OR_MATH = re.compile(r"(`[^`\n]+`|\$\$[^$]{1,4000}\$\$|(?<![\\$\w])\$[^$\n]{1,300}\$)")
_CLOSED = re.compile(r"</([A-Z][\w.]*)>")
_IMAGE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|avif|bmp|mp4|webm|mp3|pdf|canvas)\Z", re.IGNORECASE)

Fields = Mapping[str, str]


def plain_markdown(text: str, fields: Fields, is_mdx: bool = False) -> str:
    """Return the text in Markdown alone. `fields` are those of the front matter, which pages may show."""
    if not is_mdx and not _HINT.search(text):
        return text
    text = _outside_code(text, _code_blocks)
    if is_mdx:
        text = _outside_code(text, lambda part: _MODULE.sub("", part))
    text = _unwrapped(text)
    return _outside_code(text, lambda part: _inline(part, fields, is_mdx))


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    return "".join(part if is_code else change(part) for part, is_code in split_by_fences(text))


def _paired(text: str, marks: tuple[re.Pattern[str], re.Pattern[str]]) -> Iterator[tuple[str, re.Match[str] | None]]:
    """Yield the text in pieces: what is between a pair of marks together with the opening one, and what is not."""
    opening, closing = marks
    done = position = 0
    while found := opening.search(text, position):
        position = found.end()
        if found.lastgroup is None and opening.groups:
            continue  # code
        end = closing.search(text, position)
        if not end:
            break
        yield text[done : found.start()], None
        yield text[position : end.start()], found
        done = position = end.end()
    yield text[done:], None


def _code_blocks(text: str) -> str:
    for marks in _HIGHLIGHTS:
        if "highlight" in text:
            text = "".join(
                f"```{opening['language']}\n{part.rstrip()}\n```" if opening else part
                for part, opening in _paired(text, marks)
            )
    return text


def _without_comments(text: str) -> str:
    for marks in _COMMENTS:
        text = "".join(part for part, opening in _paired(text, marks) if not opening)
    return text


def _unwrapped(text: str) -> str:
    """Replace the marks of admonitions, tabs and containers by their titles, and unindent what is in them."""
    if not re.search(r"^[ \t]*(?::::|!!!|\?\?\?|===)", text, re.MULTILINE):
        return text
    lines: list[str] = []
    marks: list[int] = []
    fence = ""
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip(" "))
        while marks and line.strip() and indent <= marks[-1]:
            marks.pop()
        line = line[4 * len(marks) :]
        if mark := _FENCE.match(line):
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        elif not fence and (title := _block_title(line.strip())) is not None:
            lines += ["", " " * (indent - 4 * len(marks)) + title, ""]
            if not line.lstrip().startswith(":"):
                marks.append(indent)
            continue
        lines.append(line)
    return "\n".join(lines)


def _block_title(line: str) -> str | None:
    """Return the title of a block that begins on a line, empty at its end; None for any other line."""
    if len(line) > _MAX_TITLE:
        return None
    if line.startswith(":::") and (found := _CONTAINER.fullmatch(line)):
        kind = (found["type"] or "").lower()
        return _bold(found["label"] or found["title"] or (kind.capitalize() if kind in _ADMONITIONS else ""))
    found = _MKDOCS.fullmatch(line)
    if not found or not (found["title"] or (found["type"] and not line.startswith("="))):
        return None
    return _bold(found["title"] if found["title"] is not None else found["type"].split()[0].capitalize())


def _inline(text: str, fields: Fields, is_mdx: bool) -> str:
    components = frozenset() if is_mdx else frozenset(_CLOSED.findall(text))

    def shown(found: re.Match[str]) -> str:
        return _shown(found, fields, None if is_mdx else components)

    pieces = []
    for part, raw in _paired(text, _RAW):
        part = part if raw else _MARKUP.sub(shown, _CALLOUT.sub(_callout, _without_comments(part)))
        pieces.append(
            part
            if raw
            else _EMPTY_LINK.sub(lambda found: found[1] or found[2], _without_expressions(part) if is_mdx else part)
        )
    return "".join(pieces)


def _callout(found: re.Match[str]) -> str:
    return f"{found['quote']} {_bold(found['title'] or found['type'].capitalize())}"


def _shown(found: re.Match[str], fields: Fields, components: frozenset[str] | None) -> str:
    """Return what readers see of a piece of markup."""
    if found["code"] or found["math"]:
        return found[0]
    if found["shortcode"] is not None or found["tag"] is not None:
        return _titles(found["shortcode"] or found["tag"] or "")
    if found["output"] is not None:
        return _output(found, fields)
    if found["page"] is not None:
        return _wiki_link(found)
    if found["component"] is not None:
        return _component(found, components)
    return ""


def _titles(tag: str) -> str:
    """Return the texts in a shortcode or tag that readers see; for an admonition without a title, its kind."""
    words = tag.split(maxsplit=1)
    if not words or words[0].startswith(("/", "end")) or words[0] in _LOGIC:
        return ""
    name, rest = words[0].lower(), words[1] if len(words) > 1 else ""
    found = _ARGUMENT.findall(rest)
    texts = [text for key, *forms in found if key.lower() in _LABELS for text in forms if text]
    if not texts and name in _TITLED:
        texts = [text for key, *forms in found if not key for text in forms if text][:1]
        kinds = [word for word in rest.lower().replace('"', " ").split() if word in _ADMONITIONS]
        texts = [kinds[0].capitalize()] if kinds and (not texts or texts[0].lower() == kinds[0]) else texts
    if name in _ADMONITIONS and not texts:
        texts = [name.capitalize()]
    return _labels(texts, bold=name in _TITLED | _ADMONITIONS)


def _labels(texts: Iterable[str], bold: bool) -> str:
    return "\n\n".join(f"\n\n**{text}**\n\n" if bold else text for text in texts)


def _output(found: re.Match[str], fields: Fields) -> str:
    """Return the value of a field of the front matter, nothing for any other variable; what is neither stays."""
    variable = _FIELD.fullmatch(found["output"].strip())
    if variable and (value := fields.get(variable[1].lower().replace("_", ""))):
        return value
    return "" if re.search(r"\w\.\w|\||^\s*[.$]|\(", found["output"]) else found[0]


def _wiki_link(found: re.Match[str]) -> str:
    page = found["page"].strip()
    if found["page"].startswith(" ") or page.lower().strip("_") == "toc":
        return found[0] if found["page"].startswith(" ") else ""
    if found["embed"] and _IMAGE.search(page):
        return ""
    name, _, heading = page.partition("#")
    return (found["alias"] or "").strip() or name.rsplit("/", 1)[-1] or heading.lstrip("^")


def _component(found: re.Match[str], components: frozenset[str] | None) -> str:
    """Return the labels of a component of MDX or Vue; other text between angle brackets stays."""
    known = components is None or "=" in found["props"] or found[0].endswith("/>") or found["name"] in components
    if not known:
        return found[0]
    props = _ARGUMENT.findall(found["props"])
    return _labels([text for key, *forms in props if key in _LABELS for text in forms if text], bold=True)


def _without_expressions(text: str) -> str:
    """Remove expressions of MDX, except texts in quotation marks and formulas."""
    parts = _CODE_OR_MATH.split(text)
    return "".join(
        part if at % 2 else _EXPRESSION.sub(lambda found: found["text"] or "", part) for at, part in enumerate(parts)
    )


def _bold(title: str) -> str:
    return f"**{title.strip()}**" if title.strip() else ""
