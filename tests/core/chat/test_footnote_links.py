"""The numbers of footnotes become links; code, links and everything else stay as they are, also while a text grows."""

import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from core.chat.footnote_links import link_footnotes
from core.domain import Footnote
from tests.core.generated import MARKDOWN

POSTS = (
    Footnote(1, "Bees", "https://blog.example/bees", 0.9),
    Footnote(2, "Tea", "http://blog.example/tea?a=1&b=2", 0.8),
    Footnote(3, "A file", "handbook/tea.md", 0.7),
)
ONE, TWO = "[[1]](https://blog.example/bees)", "[[2]](http://blog.example/tea?a=1&b=2)"
MANY = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
MAX_PREFIXES = 40
"""Prefixes of a text that are tried: all of a short one, and an even sample of a longer one."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Honey [1].", f"Honey {ONE}."),
        ("Honey [1][2]", f"Honey {ONE}{TWO}"),
        ("grid[1][2] of CO[2] [1]", f"grid[1][2] of CO[2] {ONE}"),
        ("[1]", ONE),
        ("# Head [1]\n\n- item [2]\n> quote [1]", f"# Head {ONE}\n\n- item {TWO}\n> quote {ONE}"),
        ("| a [1] | b |\n|---|---|\n| [2] | c |", f"| a {ONE} | b |\n|---|---|\n| {TWO} | c |"),
        ("**bold [1]** and *x [2]*", f"**bold {ONE}** and *x {TWO}*"),
        ("Great![1]", f"Great! {ONE}"),
        ("Great![3]", "Great![3]"),
        ("a file [3], nobody's [4], [0], [1234], [01x]", "a file [3], nobody's [4], [0], [1234], [01x]"),
        ("[see this](https://a.example/[1]) [1]", f"[see this](https://a.example/[1]) {ONE}"),
        ("![image](https://a.example/x.png)[1]", f"![image](https://a.example/x.png){ONE}"),
        ("<https://a.example/[1]> [1]", f"<https://a.example/[1]> {ONE}"),
        ("[1](see there)", f"{ONE}(see there)"),
        ("\\[1] and \\`[1]", f"\\[1] and \\`{ONE}"),
        ("`x[1]` is [1]", f"`x[1]` is {ONE}"),
        ("``a ` b[1]`` [1]", f"``a ` b[1]`` {ONE}"),
        ("`a\nb[1]` [1]", f"`a\nb[1]` {ONE}"),
        ("```x[1]``` [1]", f"```x[1]``` {ONE}"),
        ("a stray ` stays [1]\n\nand ends [1]", f"a stray ` stays [1]\n\nand ends {ONE}"),
        ("```py\nx[1]\n\ny[2]\n```\n[1]", f"```py\nx[1]\n\ny[2]\n```\n{ONE}"),
        ("````\n```\nx[1]\n````\n[1]", f"````\n```\nx[1]\n````\n{ONE}"),
        ("~~~ `odd`\nx[1]\n~~~\n[1]", f"~~~ `odd`\nx[1]\n~~~\n{ONE}"),
        ("- a\n\n      ```py\n      x[1]\n\n      y[1]\n      ```\n\n- b [1]",
         f"- a\n\n      ```py\n      x[1]\n\n      y[1]\n      ```\n\n- b {ONE}"),
        ("> ```\n> x[1]\n> ```\n> so [1]", f"> ```\n> x[1]\n> ```\n> so {ONE}"),
        ("```py\nx[1]", "```py\nx[1]"),
        ("`x[1]", "`x[1]"),
        ("", ""),
    ],
)  # fmt: skip
def test_footnote_numbers_become_links_outside_code_and_links(text: str, expected: str) -> None:
    assert link_footnotes(text, POSTS) == expected


def test_a_platform_can_use_its_own_link_syntax() -> None:
    assert link_footnotes("Honey [1].", POSTS, "<{url}|[{number}]>") == "Honey <https://blog.example/bees|[1]>."


@pytest.mark.parametrize(
    "path",
    ["a(b)c", "a b", "a<b>", "a\\", "a`b", "a|b", 'a"b"', "ö/日本", "{number}{0}%s", "a\tb\nc", "a'b", "*a*_b_", "%20",
     "[a]", "a)"],
)  # fmt: skip
@pytest.mark.parametrize("around", ["Honey {} `code`.", "| {} | b |\n|---|---|\n| c | d |"])
def test_unusual_addresses_become_valid_links(path: str, around: str) -> None:
    post = Footnote(1, "Odd", f"https://blog.example/{path}", 0.9)
    parser = MarkdownIt("commonmark").enable("table")
    tokens = [
        child for token in parser.parse(link_footnotes(around.format("[1]"), [post])) for child in token.children or ()
    ]
    [link] = [token for token in tokens if token.type == "link_open"]
    assert str(link.attrs["href"]).startswith("https://blog.example/")
    assert "[1]" in "".join(token.content for token in tokens)


SIGNS = st.lists(
    st.sampled_from(
        ["[1]", "[2]", "[3]", "[9]", " ", "\n", "\n\n", "`", "``", "```", "```py\n", "~~~", "~~~\n", "- ", "> ", "    ",
         "word", "!", "(", ")", "[", "]", "\\", "<", ">", "https://a.example/", "[a](", "|", "é"]
    ),
    max_size=40,
).map("".join)  # fmt: skip
TEXTS = st.one_of(SIGNS, st.builds("{}\n\n{}".format, MARKDOWN, SIGNS))


@given(TEXTS)
@MANY
def test_links_do_not_change_when_more_text_arrives(text: str) -> None:
    """A number that is only half there is not: citing never lets half of one through."""
    whole = link_footnotes(text, POSTS)
    for length in range(0, len(text), max(1, len(text) // MAX_PREFIXES)):
        if not re.search(r"!?(?:\[\d{0,3})?\Z", text[:length])[0]:  # type: ignore[index]
            assert whole.startswith(link_footnotes(text[:length], POSTS))


@given(TEXTS)
@MANY
def test_only_links_are_added_to_the_text(text: str) -> None:
    back = link_footnotes(text, POSTS).replace(ONE, "[1]").replace(TWO, "[2]")
    assert back.replace("! [", "![") == text.replace("! [", "![")


@given(TEXTS)
@MANY
def test_text_is_unchanged_without_posts(text: str) -> None:
    assert link_footnotes(text, ()) == text


@given(MARKDOWN)
@MANY
def test_numbers_in_code_blocks_are_not_linked(text: str) -> None:
    numbered = text.replace("x", "[1]")
    before, after = (
        [token.content for token in MarkdownIt("commonmark").parse(each) if token.type == "fence"]
        for each in (numbered, link_footnotes(numbered, POSTS))
    )
    assert before == after


@pytest.mark.parametrize(
    "piece", ["[", "![", "[1", "[1]", "[a](", "`", "`` ", "<", "```\n", "\\", "\n", "> ", "- ", " ", "~~~"]
)
def test_hostile_text_is_linked_quickly(piece: str) -> None:
    before = time.process_time()
    link_footnotes(piece * (30_000 // len(piece)), POSTS)
    assert time.process_time() - before < 3
