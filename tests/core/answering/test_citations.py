"""Only footnotes of passages and addresses from posts pass the filter, wherever the text is cut."""

import re
import time
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.answering.citations import LINK_REMOVED, CitationFilter
from core.domain import Passage
from core.models.protocols import NumberedPassage

TEXTS = (
    "See https://blog.example/setup and www.known.example, or https://blog.example/wiki/Redis_(software).",
    "https://blog.example/日本",
    "Counted from one.[1] The thirteenth is letters[12]; CO[2] and H[2]O are molecules.",
)
PASSAGES = [
    NumberedPassage(number, Passage(f"https://blog.example/{number}", f"Post {number}", "", text), 0.5)
    for number, text in zip((1, 2, 2), TEXTS, strict=True)
]
PIECES = st.sampled_from(
    [
        "words ", " ", "\n", "\n\n", "[", "]", "[1]", " [2]", "[7]", "[1, 2]", "【1】", "[^2]", "(", ")", "`", "``",
        "```", "```py\n", "~~~", "   ", "!", "![x]", "[text]", "(https://blog.example/setup)", "(https://evil.example/)",
        "https://", "http", "www.", "evil.example/?q=secret", "blog.example/setup", ".", ",", "1", "[1](", "日本",
        "\t", "* ", "<", ">", "(<", ">)", "//evil.example/",
        "the thirteenth molecules counted ", "wiki, the setup of Redis software ", " (1)", "(2)", "¹", "²",
        "-2]", "–", "[Source ", "【2†", "source】", "letters", "[12]", "[0]", "> ", "from one.",
        "［1］", "（1）", " and 2]", "Post 2", " (", "passage: ", "【4:0",
    ]
)  # fmt: skip


def cited(text: str, *pieces: str) -> tuple[str, set[int]]:
    """Return the filtered text and its cited numbers, given passages 1 and 2."""
    citing = CitationFilter(PASSAGES)
    out = "".join(map(citing.read, [text, *pieces])) + citing.end()
    return out, {int(footnote.url.rpartition("/")[2]) for footnote in citing.footnotes}


@given(st.lists(PIECES, max_size=25).map("".join), st.lists(st.integers(0, 200), max_size=10))
@settings(deadline=None, max_examples=150)
def test_result_does_not_depend_on_where_the_text_is_split(text: str, cuts: list[int]) -> None:
    at = sorted({0, *(min(cut, len(text)) for cut in cuts), len(text)})
    assert cited(*[text[start:end] for start, end in pairwise(at)] or [""]) == cited(text)


@given(st.lists(PIECES, max_size=25).map("".join))
@settings(deadline=None, max_examples=100)
def test_result_is_the_same_letter_by_letter(text: str) -> None:
    assert cited("", *text) == cited(text)


@given(st.lists(PIECES, max_size=25).map("".join))
@settings(deadline=None, max_examples=100)
def test_no_foreign_address_passes_outside_code(text: str) -> None:
    out, numbers = cited(text.replace("`", "").replace("~", ""))
    assert not re.search(r"(?<![a-z0-9])(?:https://|www\.)evil", out)
    assert numbers <= {1, 2}


@pytest.mark.parametrize(
    ("text", "expected", "numbers"),
    [
        ("Yes [1].", "Yes [1].", {1}),
        ("Yes[1][2].", "Yes [1][2].", {1, 2}),
        ("Yes [1, 2].", "Yes [1][2].", {1, 2}),
        ("Yes [1,2;1].", "Yes [1][2].", {1, 2}),
        ("Yes [1, 9].", "Yes [1].", {1}),
        ("Yes【1】.", "Yes [1].", {1}),
        ("Yes [^1].", "Yes [1].", {1}),
        ("Yes [^1, ^2].", "Yes [1][2].", {1, 2}),
        ("No [7].", "No.", set()),
        ("Do it with [7].", "Do it with.", set()),
        ("No [0], no[007].", "No, no.", set()),
        ("Yes [1-2].", "Yes [1][2].", {1, 2}),
        ("Yes [1–2].", "Yes [1][2].", {1, 2}),
        ("Yes [1 - 2, 7].", "Yes [1][2].", {1, 2}),
        ("Yes【1†source】.", "Yes [1].", {1}),
        ("Yes【2†L5-L9】.", "Yes [1].", {2}),
        ("No【7†source】.", "No.", set()),
        ("No【4:0†source】.", "No.", set()),
        ("Yes [1 and 2].", "Yes [1][2].", {1, 2}),
        ("Yes [Post 2].", "Yes [1].", {2}),
        ("Yes [Source: 1, Source: 2].", "Yes [1][2].", {1, 2}),
        ("Yes [ 1 ]; yes [#2].", "Yes [1]; yes [2].", {1, 2}),
        ("是的［1］。", "是的[1]。", {1}),
        ("是的 [来源 2]。", "是的 [1]。", {2}),
        ("See [Figure 1] and [Chapter 2].", "See [Figure 1] and [Chapter 2].", set()),
        ("Yes [Source 1].", "Yes [1].", {1}),
        ("Yes [Sources 1, 2].", "Yes [1][2].", {1, 2}),
        ("Yes [source 1, source 2].", "Yes [1][2].", {1, 2}),
        ("Yes [Source 1](https://evil.example).", "Yes [1].", {1}),
        ("Match [0-9] or [1-9]", "Match [0-9] or [1-9]", set()),
        ("First is words[0], then grid[0][1]", "First is words[0], then grid[0][1]", set()),
        ("Last is letters[12] and letters[-1] [1]", "Last is letters[12] and letters[-1] [1]", {1}),
        ("Burn CO[2] or H[2]O [1]", "Burn CO[2] or H[2]O [1]", {1}),
        ("> Counted from one.[1] Then letters[12]. [2]", "> Counted from one. Then letters[12]. [1]", {2}),
        ("Counted from one.[1]", "Counted from one.[1]", {1}),
        ("No [7][8].", "No.", set()),
        ("In [2026] years", "In [2026] years", set()),
        ("- [ ] todo [x]", "- [ ] todo [x]", set()),
        ("An array[i] and f(x)", "An array[i] and f(x)", set()),
        ("[", "[", set()),
        ("end [1", "end [1", set()),
        ("[1]", "[1]", {1}),
        ("[7] first", " first", set()),
        ("See [7]this", "See this", set()),
        ("![1]()", "[1]", {1}),
        (" ![1, 2](/x)", "[1][2]", {1, 2}),
        (f"[{'1,' * 40}1](/x)", "1," * 40 + "1", set()),
        ("", "", set()),
    ],
)
def test_number_without_a_passage_is_dropped(text: str, expected: str, numbers: set[int]) -> None:
    assert cited(text) == (expected, numbers)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1](https://evil.example)", "[1]"),
        ("Yes [1](https://blog.example/setup).", "Yes [1]."),
        ("Yes [1, 2](https://evil.example).", "Yes [1][2]."),
        ("Yes [7](https://blog.example/setup).", "Yes."),
    ],
)
def test_footnote_linked_by_the_model_becomes_a_plain_footnote(text: str, expected: str) -> None:
    assert cited(text)[0] == expected


@pytest.mark.parametrize(
    "text",
    [
        "See https://blog.example/setup.",
        "See <https://blog.example/setup>, please.",
        "See **https://blog.example/setup**!",
        "See [the setup](https://blog.example/setup).",
        'See [the setup](https://blog.example/setup "Title").',
        "See [wiki](https://blog.example/wiki/Redis_(software)).",
        "See www.known.example today",
        "See https://blog.example/日本 now",
        "(https://blog.example/setup)",
    ],
)
def test_addresses_from_posts_stay(text: str) -> None:
    assert cited(text)[0].replace(' "Title"', "") == text.replace(' "Title"', "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See [here](https://evil.example/x).", "See here."),
        ("See [here](<https://evil.example/x>).", "See here."),
        ("See [here]( https://evil.example/x 'title' ).", "See here."),
        ("See [here](//evil.example/x).", "See here."),
        ("See [here](javascript:alert(1)).", "See here."),
        ("See [here](data:text/html,x).", "See here."),
        ("See [here](/relative).", "See here."),
        ("See ![a cat](https://evil.example/cat.png).", "See a cat."),
        ("See ![](https://evil.example/cat.png?q=secret).", "See ."),
        ("See ![a cat](https://blog.example/setup).", "See a cat."),
        ("See https://evil.example/?q=secret.", f"See {LINK_REMOVED}."),
        ("See HTTPS://EVIL.EXAMPLE/?q=secret", f"See {LINK_REMOVED}"),
        ("See www.evil.example", f"See {LINK_REMOVED}"),
        ("See <https://evil.example>", f"See <{LINK_REMOVED}>"),
        ("See https://blog.example/setup/other", f"See {LINK_REMOVED}"),
        ("See https://blog.example/setup?q=secret", f"See {LINK_REMOVED}"),
        ("[https://evil.example](https://blog.example/setup)", f"[{LINK_REMOVED}](https://blog.example/setup)"),
        ("[https://blog.example/setup](https://evil.example)", "https://blog.example/setup"),
        ("[a]: https://evil.example", f"[a]: {LINK_REMOVED}"),
        ('<img src="https://evil.example/?q=secret">', f'<img src="{LINK_REMOVED}">'),
        ("_https://evil.example_", f"_{LINK_REMOVED}_"),
        ("見https://evil.example", f"見{LINK_REMOVED}"),
        ("https://[7]evil.example", "https:// evil.example"),
        ("https:// [7]evil.example", "https:// evil.example"),
        ("https:[7][8]//evil.example", "https: //evil.example"),
        ("www[7].evil.example", "www .evil.example"),
        ("ht[7]tps://evil.example", "ht tps://evil.example"),
        ("https://[](x)evil.example", "https:// evil.example"),
        ("https://[ev](x)il.example", "https:// evil.example"),
        ("[https:](x)//evil.example", "https: //evil.example"),
        ("[ht](x)tps://evil.example", "ht tps://evil.example"),
        ("[a\n](https://evil.example)", f"[a\n]({LINK_REMOVED}"),
        ("[a [b] c](https://evil.example)", f"[a [b] c]({LINK_REMOVED}"),
    ],
)
def test_addresses_from_no_post_are_removed(text: str, expected: str) -> None:
    out = cited(text)[0]
    assert out == expected or out == f"{expected})"


@pytest.mark.parametrize(
    "code",
    [
        "`a[7]`",
        "``a[7] ` b``",
        "`https://evil.example`",
        "```\na[7] = https://evil.example\n```\n",
        "```py\na[7]\n",
        "~~~\n[7]\n```\n[8]\n~~~\n",
        "````\n```\n[7]\n```\n[8]\n````\n",
        "   ```\n[7]\n   ```\n",
        "text\n  ```\n[7]\n  ```\n",
        "```\n[7]\n```py\n[8]\n```\n",
    ],
)
def test_code_is_not_changed(code: str) -> None:
    assert cited(code) == (code, set())
    assert cited("", *code) == (code, set())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```\nx\n```\nNo [7].", "```\nx\n```\nNo."),
        ("A lone ` here.\n\nNo [7].", "A lone ` here.\n\nNo."),
        ("`x` and [7] `y`", "`x` and `y`"),
        ("a ``` b [7]", "a ``` b"),
    ],
)
def test_footnotes_after_code_are_checked(text: str, expected: str) -> None:
    assert cited(text)[0] == expected


def test_text_is_released_as_soon_as_possible() -> None:
    citing = CitationFilter(PASSAGES)
    assert citing.read("Redis keeps data ") == "Redis keeps data"
    assert citing.read("in memory [") == " in memory"
    assert citing.read("1") == ""
    assert citing.read("]. ") == " [1]."
    assert [footnote.number for footnote in citing.footnotes] == [1]


def test_footnote_counts_only_once_it_is_released() -> None:
    citing = CitationFilter(PASSAGES)
    citing.read("Yes [1")
    assert citing.footnotes == ()


def test_footnotes_are_numbered_by_their_first_use() -> None:
    citing = CitationFilter([replace(PASSAGES[0], number=number) for number in (1, 2, 3)])
    assert citing.read("They shiver [3], they eat [1][3].") + citing.end() == "They shiver [1], they eat [2][1]."
    assert [footnote.number for footnote in citing.footnotes] == [1, 2]


@pytest.mark.parametrize(
    "piece",
    ["[", "![", "[a](", "[1,1", "`", "`a", " ", "  `", "\n", "http", "https://", "w", "www. ", "【", "```\n", "*"],
)
def test_endless_repetition_is_filtered_in_time(piece: str) -> None:
    citing = CitationFilter(PASSAGES)
    before = time.process_time()
    for _ in range(2_500):
        citing.read(piece * (4 // len(piece) or 1))
    citing.end()
    assert time.process_time() - before < 3


@pytest.mark.parametrize("piece", ["[", "`", " ", "  `", "\n", "w", "www. ", "【"])
def test_long_text_is_filtered_in_time(piece: str) -> None:
    before = time.process_time()
    cited(piece * (20_000 // len(piece)))
    assert time.process_time() - before < 5


@pytest.mark.parametrize("pieces", [("x\n  ", "```\n[7]\n"), ("x\n   ", "~~~\n[7]\n"), ("x\n ", " ", "```\n[7]")])
def test_fence_is_recognized_when_its_indentation_came_separately(pieces: tuple[str, ...]) -> None:
    assert cited(*pieces) == ("".join(pieces), set())


@pytest.mark.parametrize(
    "address",
    [
        "data:text/html,<script>1</script>",
        "//evil.example/<a",
        "<//evil.example/a b>",
        "<//evil.example/(a>",
        "<//evil.example/a",
    ],
)
def test_link_with_unusual_characters_is_recognized(address: str) -> None:
    assert cited(f"See [this]({address}) now.")[0] == "See this now."


def test_footnote_opens_the_page_that_says_it() -> None:
    texts = {3: "Peen the edge on a small anvil.", 7: "Hone the blade with a wet stone.", 9: "Store it dry."}
    passages = [
        NumberedPassage(1, Passage("https://docs.example/a.pdf", "Scythes", "", text, page=page), 0.5)
        for page, text in texts.items()
    ]
    citing = CitationFilter(passages)
    assert citing.read("A wet stone hones the blade [1].\n") + citing.end() == "A wet stone hones the blade [1].\n"
    assert [footnote.url for footnote in citing.footnotes] == ["https://docs.example/a.pdf#page=7"]
