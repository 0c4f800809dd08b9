"""reStructuredText, with what Sphinx adds to it."""

import re
from functools import cache
from html import escape
from typing import Any

from core.ingestion.article import Article
from core.ingestion.documents.requirements import require
from core.ingestion.front_matter import parse_date
from core.ingestion.html_to_markdown import tidy, to_markdown

_DIRECTIVE = re.compile(r"^[ \t]*\.\.[ \t]+(?:\|[^|\n]+\|[ \t]+)?([\w:+.-]{1,60})::", re.MULTILINE)
_ROLE = re.compile(r":([\w:+.-]{1,60}):`")
_CODE = frozenset("code code-block sourcecode prompt ipython doctest testcode testoutput parsed-literal".split())
_DROPPED = frozenset(
    "toctree index include literalinclude raw contents highlight currentmodule module graphviz digraph mermaid uml "
    "image autosummary default-domain default-role tabularcolumns bibliography sectionauthor codeauthor "
    "meta".split()
)
_LABELS = {
    "versionadded": "Added in version ",
    "versionchanged": "Changed in version ",
    "deprecated": "Deprecated since ",
    "seealso": "See also\n",
}
_SIGNATURES = frozenset(
    "function method class attribute data exception option envvar confval program describe object setting "
    "staticmethod classmethod property type macro struct member decorator".split()
)
_LITERAL_ROLES = frozenset(
    "func meth class mod attr obj data exc const file option envvar command program samp type macro member code "
    "setting".split()
)
_FOOTNOTE_LINK = re.compile(r"\[(\[?[^\[\]\n]+\]?)\]\(#(?:footnote|citation|id)[^)\s]*\)")
_SETTINGS = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "_disable_config": True,
    "report_level": 5,
    "halt_level": 6,
    "syntax_highlight": "none",
    "smart_quotes": False,
    "output_encoding": "unicode",
    "initial_header_level": 2,
    "doctitle_xform": True,
    "math_output": "LaTeX",
}


def read_rst(text: str, url: str) -> Article:
    """Read reStructuredText: titles, directives and roles, also of Sphinx, as far as they are text."""
    require("rst", url)
    from docutils import nodes
    from docutils.core import publish_doctree, publish_from_doctree

    _register(text)
    document = publish_doctree(text, settings_overrides=_SETTINGS)
    facts = {type(fact).__name__: fact.astext() for info in document.findall(nodes.docinfo) for fact in info.children}
    fields = {field[0].astext().lower(): field[1].astext() for field in document.findall(nodes.field) if len(field) > 1}
    for info in list(document.findall(nodes.docinfo)):
        info.parent.remove(info)
    for literal in list(document.findall(nodes.literal)):
        literal.replace_self(nodes.raw("", f"<code>{escape(literal.astext())}</code>", format="html"))
    html = publish_from_doctree(document, writer="html5", settings_overrides=_SETTINGS)
    body = html.partition("<body")[2].partition(">")[2].rpartition("</body>")[0]
    # What docutils refuses altogether, such as a line of a megabyte, is still text.
    article = _FOOTNOTE_LINK.sub(r"\1", to_markdown(body, url)) or tidy(text)
    published = parse_date(facts.get("date", "") or fields.get("date", ""))
    return Article(str(document.get("title", "")), article, author=facts.get("author", ""), published=published)


def _register(text: str) -> None:
    """Teach docutils the directives and roles of this text that are not its own."""
    from docutils.parsers.rst import directives, roles

    names, own = _own_names()
    for name in {found.lower() for found in _DIRECTIVE.findall(text)} - names:
        directives.register_directive(name, _directive())
    for name in _CODE | {"contents", "meta"}:
        directives.register_directive(name, _directive())
    for name in {found.lower() for found in _ROLE.findall(text)} - own:
        roles.register_local_role(name, _role)


@cache
def _own_names() -> tuple[frozenset[str], frozenset[str]]:
    from docutils.parsers.rst.languages import en

    return frozenset(en.directives), frozenset(en.roles)


def _role(name: str, rawtext: str, text: str, lineno: int, inliner: Any, *_: Any, **__: Any) -> Any:
    """Show what readers see of a role of Sphinx: the text of a link, the last part of `~package.name`."""
    from docutils import nodes, utils

    text = utils.unescape(text)
    shown = re.sub(r"\s*<[^<>]*>\Z", "", text) or text
    if shown.startswith("~"):
        shown = shown.rpartition(".")[2].lstrip("~")
    shown = shown.lstrip("!")
    literal = name.rpartition(":")[2] in _LITERAL_ROLES
    return [nodes.literal(rawtext, shown) if literal else nodes.inline(rawtext, shown)], []


class _AnyOptions(dict[str, Any]):
    """Accepts every option of a directive."""

    def __missing__(self, name: str) -> Any:
        return lambda value: value


@cache
def _directive() -> Any:
    from docutils import nodes
    from docutils.parsers.rst import Directive

    class AnyDirective(Directive):  # type: ignore[misc]
        """Shows the title and the content of a directive that docutils does not know."""

        optional_arguments = 1
        final_argument_whitespace = True
        has_content = True
        option_spec = _AnyOptions(name=str)

        def run(self) -> list[nodes.Node]:
            name = self.name.rpartition(":")[2].lower()
            title = self.arguments[0] if self.arguments else ""
            if name in _DROPPED or name.startswith("auto"):
                return []
            if name in _CODE:
                code = nodes.Text("\n".join(self.content))
                return [nodes.raw("", _code_html(code.astext(), title.split()[0] if title else ""), format="html")]
            if name in _SIGNATURES:
                lines = [nodes.literal("", line) for line in title.split("\n")]
            else:
                bold, _, rest = f"{_LABELS.get(name, '')}{title}".partition("\n")
                lines = [nodes.strong("", bold), nodes.inline("", rest)]
            shown = [nodes.paragraph("", "", line) for line in lines if line.astext()]
            inside = nodes.container()
            self.state.nested_parse(self.content, self.content_offset, inside)
            return [*shown, *inside.children]

    return AnyDirective


def _code_html(code: str, language: str) -> str:
    name = re.sub(r"[^\w+#-]", "", language)
    return f'<pre><code class="language-{name}">{escape(code)}</code></pre>'
