"""Sentences end where their language ends them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.language.sentences import split_sentences


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        (
            "en",
            ["It was seen (Gale et al. 2019). ", "Use a store, e.g. Redis. ", "Dr. Smith came at 5 p.m. on Monday."],
        ),
        ("en", ["He said “No.” ", "Then he left."]),
        ("de", ["Am 3. Oktober 1990 war es z. B. kühl. ", "Ende."]),
        ("ja", ["「行く。」と言った。", "終わり！"]),
        ("zh", ["他走了。", "真的吗？", "是的。"]),
        ("ar", ["هل هذا؟ ", "نعم."]),
        ("hi", ["यह है। ", "वह है।"]),
        ("", ["One. ", "Two."]),
    ],
)
def test_text_is_split_at_the_ends_of_its_sentences(language: str, sentences: list[str]) -> None:
    assert split_sentences("".join(sentences), language) == sentences


@given(st.text("ab.。「」“ \n", max_size=60), st.sampled_from(["en", "ja", "de", ""]))
def test_sentences_join_to_the_text(text: str, language: str) -> None:
    assert "".join(split_sentences(text, language)) == text
