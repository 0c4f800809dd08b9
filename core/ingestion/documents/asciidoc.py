"""AsciiDoc as Markdown, line by line, since no kept library with a permissive licence reads it in Python."""

import re
from collections.abc import Callable, Iterator

from core.ingestion.article import Article
from core.ingestion.front_matter import parse_date
from core.ingestion.html_to_markdown import tidy

Inline = Callable[[str], str]

_ATTRIBUTE = re.compile(r":(!?[\w-]+!?):(?:[ \t]+(.*))?")
_REVISION = re.compile(r"v?[\w.]{1,20},[ \t]*([^:\n]{6,40})(?::.*)?|(\d{4}-\d\d-\d\d)")
_AUTHOR = re.compile(r"([^\W\d][^<>\n]{1,80}?)(?:[ \t]+<[^<>\n]+>)?")
_HEADING = re.compile(r"(={1,6}|#{1,6})[ \t]+(.+?)(?:[ \t]+\1)?")
_LIST = re.compile(r"(\*{1,5}|\.{1,5}|-|\d+\.)[ \t]+(.+)")
_CALLOUT = re.compile(r"<(?:\d+|\.)>[ \t]+(.+)")
_TERM = re.compile(r"(\S.{0,200}?):{2,4}(?:[ \t]+(.+))?")
_ADMONITION = re.compile(r"(NOTE|TIP|IMPORTANT|WARNING|CAUTION)")
_REMARK = re.compile(r"(NOTE|TIP|IMPORTANT|WARNING|CAUTION):[ \t]+(.+)")
_ATTRIBUTES = re.compile(r"\[([^\]]*)\]")
_BLOCK_TITLE = re.compile(r"\.([^\s.].*)")
_DROPPED = re.compile(
    r"(?:include|image|video|audio|toc|ifdef|ifndef|ifeval|endif)::\S*\[.*\]|//(?!//).*|'{3,}|<<<|\[\[[^\]]*\]\]|\+"
)
_CODE = re.compile(r"(?:-{4,}|\.{4,}|```.*)")
_COMMENT = re.compile(r"/{4,}")
_OTHER_BLOCK = re.compile(r"={4,}|\*{4,}|_{4,}|--|\+{4,}")
_TABLE = re.compile(r"[|,!]={3,}")
_CELL = re.compile(r"(?<!\\)(?:\d+(?:\.\d+)?[+*])?[<^>.]*[aehlmsdv]?\|")
_MAX_LINE = 2_000
"""Characters of a line whose marks are looked at."""

_INLINE = (
    (re.compile(r"\{([\w-]+)\}"), None),
    (re.compile(r"(?:xref:|link:)([^\s\[\]]{1,500})\[([^\]\n]*)\]"), lambda m: m[2].split(",")[0].strip('"^ ') or m[1]),
    (
        re.compile(r"(https?://[^\s\[\]<>]{1,500})\[([^\]\n]*)\]"),
        lambda m: f"[{m[2].split(',')[0].strip('^ ') or m[1]}]({m[1]})",
    ),
    (
        re.compile(r"<<([^,<>\n]{1,200})(?:,[ \t]*([^<>\n]{1,300}))?>>"),
        lambda m: m[2] or m[1].strip("_#").replace("_", " "),
    ),
    (
        re.compile(
            r"(?:image|icon|footnoteref|anchor|indexterm2?):[^\s\[\]]{0,300}\[[^\]\n]*\]|\[\[[^\]\n]*\]\]|\(\(\([^)\n]*\)\)\)"
        ),
        lambda _: "",
    ),
    (re.compile(r"footnote:[^\s\[\]]{0,100}\[([^\]\n]*)\]"), lambda m: f" ({m[1]})"),
    (
        re.compile(r"(?:kbd|btn|menu|pass|stem|latexmath|asciimath):([^\s\[\]]{0,100})\[([^\]\n]*)\]"),
        lambda m: " › ".join(filter(None, m.groups())),
    ),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]{1,500})(?<=\S)\*(?![\w*])"), lambda m: f"**{m[1]}**"),
    (re.compile(r"`\+([^`\n]{1,500})\+`"), lambda m: f"`{m[1]}`"),
    (re.compile(r"\[[.#%][\w.#%-]*\]#([^#\n]{1,500})#"), lambda m: m[1]),
    (re.compile(r"[ \t]+\+\Z"), lambda _: "  "),
)


def _listed(inline: Inline, found: re.Match[str]) -> tuple[str, ...]:
    numbered = found[1][0] in ".0123456789"
    depth = len(found[1]) - 1 if found[1][0] in "*." else 0
    return (f"{'    ' * depth}{'1.' if numbered else '-'} {inline(found[2])}",)


_LINES: tuple[tuple[re.Pattern[str], Callable[[Inline, re.Match[str]], tuple[str, ...]]], ...] = (
    (_OTHER_BLOCK, lambda inline, found: ("",)),
    (_HEADING, lambda inline, found: ("", f"{'#' * len(found[1])} {inline(found[2])}", "")),
    (_REMARK, lambda inline, found: (f"**{found[1].capitalize()}:** {inline(found[2])}",)),
    (_BLOCK_TITLE, lambda inline, found: ("", f"**{inline(found[1])}**", "")),
    (_LIST, _listed),
    (_CALLOUT, lambda inline, found: (f"1. {inline(found[1])}",)),
    (_TERM, lambda inline, found: (f"**{inline(found[1])}** {inline(found[2] or '')}".rstrip(),)),
)
"""What a line of each kind becomes; the first that matches."""


def read_asciidoc(text: str) -> Article:
    """Read AsciiDoc: headings, lists, code, tables, admonitions, and the title, author and date of its header."""
    converter = _Converter(tidy(text).split("\n"))
    body = "\n".join(converter.convert())
    facts = converter.attributes
    published = parse_date(facts.get("revdate", "") or facts.get("date", ""))
    return Article(
        converter.title,
        re.sub(r"\n{3,}", "\n\n", body).strip(),
        facts.get("lang", ""),
        facts.get("author", ""),
        published,
    )


class _Converter:
    """Goes through the lines once."""

    def __init__(self, lines: list[str]) -> None:
        self.title = ""
        self.attributes: dict[str, str] = {}
        self._lines = lines
        self._style = ""

    def convert(self) -> Iterator[str]:
        at = self._header()
        while at < len(self._lines):
            line = self._lines[at].rstrip()
            if _COMMENT.fullmatch(line):
                at = self._end(at, line)[1]
            elif _CODE.fullmatch(line):
                inside, at = self._end(at, line)
                yield from self._code(inside, line)
            elif _TABLE.fullmatch(line):
                inside, at = self._end(at, line)
                yield from self._table(inside)
            else:
                yield from self._line(line)
                at += 1

    def _header(self) -> int:
        """Read the title and what follows it up to a blank line; return where the text begins."""
        at = 0
        while at < len(self._lines) and (not self._lines[at].strip() or self._is_fact(self._lines[at])):
            at += 1
        found = _HEADING.fullmatch(self._lines[at].strip()) if at < len(self._lines) else None
        if not found or len(found[1]) > 1:
            return at
        self.title = self._inline(found[2])
        while (at := at + 1) < len(self._lines) and (line := self._lines[at].strip()):
            if self._is_fact(line) or line.startswith("//"):
                continue
            if revision := _REVISION.fullmatch(line):
                self.attributes.setdefault("revdate", (revision[1] or revision[2]).strip())
            elif author := _AUTHOR.fullmatch(line):
                self.attributes.setdefault("author", author[1])
            else:
                break
        return at

    def _is_fact(self, line: str) -> bool:
        found = _ATTRIBUTE.fullmatch(line.strip()) if len(line) < _MAX_LINE else None
        if found:
            self.attributes[found[1].strip("!").lower()] = (found[2] or "").strip()
        return found is not None

    def _end(self, at: int, mark: str) -> tuple[list[str], int]:
        """Return the lines of a block up to the same mark, and where the text goes on."""
        closing = "```" if mark.startswith("```") else mark
        for end in range(at + 1, len(self._lines)):
            if self._lines[end].rstrip() == closing:
                return self._lines[at + 1 : end], end + 1
        return self._lines[at + 1 :], len(self._lines)

    def _code(self, lines: list[str], mark: str) -> Iterator[str]:
        kind, _, rest = self._style.partition(",")
        is_source = kind.partition("%")[0].strip() in {"source", ""}
        named = rest.split(",")[0].strip() if is_source else ""
        language = mark.strip("`") if mark.startswith("`") else named
        self._style = ""
        yield from (
            "",
            f"```{language}",
            *(re.sub(r"[ \t]*(?:(?://|#|--|;;)[ \t]*)?<(?:\d+|\.)>[ \t]*\Z", "", line) for line in lines),
            "```",
            "",
        )

    def _table(self, lines: list[str]) -> Iterator[str]:
        rows: list[list[str]] = []
        for line in lines:
            cells = [self._inline(cell.strip()) for cell in _CELL.split(line[:_MAX_LINE])]
            if cells[0] and rows and rows[-1]:
                rows[-1][-1] += f" {cells[0]}"
            if len(cells) > 1:
                rows.append(cells[1:])
        width = max(map(len, rows), default=0)
        if rows and any(len(row) < width for row in rows[1:]):  # one cell to a line
            width = len(rows[0])
            cells = [cell for row in rows for cell in row]
            rows = [cells[at : at + width] for at in range(0, len(cells), width)]
        self._style = ""
        yield ""
        for number, row in enumerate(rows):
            yield f"| {' | '.join(row)} |"
            if number == 0:
                yield "|" + " --- |" * width
        yield ""

    def _line(self, line: str) -> Iterator[str]:
        stripped = line.strip()
        if len(line) > _MAX_LINE:
            yield line
        elif _DROPPED.fullmatch(stripped) or self._is_fact(line):
            return
        elif found := _ATTRIBUTES.fullmatch(stripped):
            self._style = found[1]
            if admonition := _ADMONITION.fullmatch(found[1]):
                yield from ("", f"**{admonition[1].capitalize()}**", "")
        else:
            for pattern, shown in _LINES:
                if found := pattern.fullmatch(stripped):
                    yield from shown(self._inline, found)
                    return
            yield self._inline(line)

    def _inline(self, text: str) -> str:
        for pattern, shown in _INLINE:
            text = pattern.sub(shown or (lambda found: self.attributes.get(found[1].lower(), found[0])), text)
        return text
