"""Hypothesis strategies for Markdown as authors write it, for properties of every text."""

import re

from hypothesis import strategies as st

WORDS = st.sampled_from(
    "redis index passage zwölf être данные 日本語のブログ naïve x don't e-mail 42 3.14 emoji🙂 a_b well-known".split()
)
LINES = st.lists(WORDS, min_size=1, max_size=30).map(" ".join)
PARAGRAPHS = st.lists(LINES, min_size=1, max_size=12).map(". ".join)
HEADINGS = st.builds(lambda level, text: f"{'#' * level} {text}", st.integers(1, 6), LINES)
LINKS = st.builds(
    lambda text, path: f"[{text}](https://blog.example/{path})", LINES, st.sampled_from(["a", "b/c", "d"])
)
LISTS = st.lists(LINES, min_size=1, max_size=12).map(lambda rows: "\n".join(f"- {row}" for row in rows))
TABLES = st.lists(WORDS, min_size=1, max_size=40).map(
    lambda rows: "\n".join(["| key | value |", "|---|---|", *(f"| {row} | {row} |" for row in rows)])
)
CODE = st.builds(
    lambda fence, language, lines: "\n".join([fence + language, *lines, fence]),
    st.sampled_from(["```", "~~~", "````"]),
    st.sampled_from(["", "python", "sh"]),
    st.lists(st.one_of(LINES, st.just("x" * 90), st.just("    indented = 1"), st.just("")), max_size=30),
)
LISTED_CODE = CODE.map(lambda code: "1. first\n\n" + "\n".join(f"   {line}".rstrip() for line in code.split("\n")))
QUOTED_CODE = CODE.map(lambda code: "\n".join(f"> {line}" for line in ["quoted", "", *code.split("\n")]))

MARKDOWN = st.lists(
    st.one_of(PARAGRAPHS, HEADINGS, LINKS, LISTS, TABLES, CODE, LISTED_CODE, QUOTED_CODE), max_size=8
).map("\n\n".join)

_MARKS = re.compile(r"^[ \t>]*(?:`{3,}|~{3,})\w*[ \t]*$|^\| key \| value \|$|^\|---\|---\|$", re.MULTILINE)


def text_words(markdown: str) -> list[str]:
    """Return a text's words without fences and table heads, which chunking may repeat, and quote marks."""
    return [word for word in _MARKS.sub("", markdown).split() if word != ">"]


def open_fence(markdown: str) -> str:
    """Return the fence that is still open at the end of a text, at any depth of lists or quotes."""
    fence = ""
    for line in markdown.split("\n"):
        found = re.match(r"[ \t>]*(`{3,}|~{3,})(\w*)[ \t]*$", line)
        if found and not fence:
            fence = found[1]
        elif found and found[1].startswith(fence) and not found[2]:
            fence = ""
    return fence
