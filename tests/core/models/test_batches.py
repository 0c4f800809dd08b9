"""Texts are split into batches that an embeddings service accepts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.models.batches import MAX_INPUT_TOKENS, MAX_INPUTS, MAX_TOKENS, batches


def words(text: str) -> int:
    return len(text.split())


@given(st.lists(st.integers(1, 60), max_size=200), st.integers(1, 50))
def test_batches_contain_all_texts_in_order_within_the_limit(sizes: list[int], most: int) -> None:
    texts = [f"{place}" + " w" * size for place, size in enumerate(sizes)]
    made = list(batches(texts, words, most))
    assert [text for batch in made for text in batch] == texts
    assert all(1 <= len(batch) <= most for batch in made)


def test_batch_has_at_most_2048_inputs() -> None:
    assert [len(batch) for batch in batches(["word"] * (MAX_INPUTS + 1), words)] == [MAX_INPUTS, 1]


def test_batch_has_at_most_300000_tokens() -> None:
    texts = ["w " * 6_000] * 101
    made = list(batches(texts, words))
    assert [len(batch) for batch in made] == [50, 50, 1]
    assert all(sum(map(words, batch)) <= MAX_TOKENS for batch in made)


@pytest.mark.parametrize("text", ["word " * 20_000, "x" * 20_000, "word " * (MAX_INPUT_TOKENS + 1)])
def test_text_over_the_input_limit_is_truncated(text: str) -> None:
    for tokens in (words, len):
        ((fitting,),) = batches([text], tokens)
        assert text.startswith(fitting)
        assert tokens(fitting) <= MAX_INPUT_TOKENS
        assert tokens(text) <= MAX_INPUT_TOKENS or tokens(fitting) > 0.9 * MAX_INPUT_TOKENS


@pytest.mark.parametrize("text", ["", " ", "\n\n"])
def test_empty_text_is_replaced(text: str) -> None:
    assert list(batches(["a", text, "b"], words)) == [["a", ".", "b"]]


def test_no_texts_make_no_batches() -> None:
    assert list(batches([], words)) == []
