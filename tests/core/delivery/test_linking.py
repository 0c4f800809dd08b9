"""Numbers of footnotes become links to their posts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.delivery.linking import linked
from core.vocabulary import Footnote

POSTS = (
    Footnote(1, "Bees", "https://a.example/bees", 0.9),
    Footnote(2, "Odd", "https://a.example/odd_(1) x", 0.8),
    Footnote(3, "Local", "garden/bees.md", 0.7),
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Honey [1].", "Honey [[1]](https://a.example/bees)."),
        ("Both [1][2]", "Both [[1]](https://a.example/bees)[[2]](https://a.example/odd_%281%29%20x)"),
        ("A file [3] and nobody's [7]", "A file [3] and nobody's [7]"),
        ("`list[1]` and ``a[1]``", "`list[1]` and ``a[1]``"),
        ("```python\nlist[1]\n```\n[1]", "```python\nlist[1]\n```\n[[1]](https://a.example/bees)"),
        ("```\nlist[1]", "```\nlist[1]"),
        ("[see 1](https://b.example)", "[see 1](https://b.example)"),
    ],
)
def test_numbers_are_linked_but_for_code_and_links(text: str, shown: str) -> None:
    assert linked(text, POSTS) == shown


def test_a_platform_may_write_links_in_its_own_form() -> None:
    assert linked("[1]", POSTS, "[{number}](<{url}>)") == "[1](<https://a.example/bees>)"


@given(st.lists(st.sampled_from(["Honey", " ", "[1]", "[2]", "\n", "`x[1]`", "words "]), max_size=20))
def test_what_is_linked_stays_when_whole_pieces_follow(pieces: list[str]) -> None:
    for end in range(len(pieces)):
        assert linked("".join(pieces), POSTS).startswith(linked("".join(pieces[:end]), POSTS))
