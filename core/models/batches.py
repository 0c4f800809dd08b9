"""Batches of texts that fit the limits of an embeddings service."""

from collections.abc import Iterator, Sequence

from core.tokens import TokenCounter

# OpenAI's limits, from the docstring of openai.resources.embeddings.
MAX_INPUTS = 2_048
MAX_INPUT_TOKENS = 8_192
MAX_TOKENS = 300_000


def batches(texts: Sequence[str], tokens: TokenCounter, max_inputs: int = MAX_INPUTS) -> Iterator[list[str]]:
    """Split texts, in order, into batches within all three limits. A text over the limit of one input is truncated.

    An empty text becomes a single dot, because services reject empty ones.
    """
    batch: list[str] = []
    total = 0
    for text in texts:
        fitted, size = _fit(text.strip() or ".", tokens)
        if batch and (len(batch) == max_inputs or total + size > MAX_TOKENS):
            yield batch
            batch, total = [], 0
        batch.append(fitted)
        total += size
    if batch:
        yield batch


def _fit(text: str, tokens: TokenCounter) -> tuple[str, int]:
    """Return the text, truncated if necessary, and an upper bound of its tokens."""
    size = len(text.encode(errors="replace"))
    if size <= MAX_INPUT_TOKENS:
        # A token is at least one byte. Most passages are this short, and need no counting.
        return text, size
    size = tokens(text)
    while size > MAX_INPUT_TOKENS:
        text = text[: max(1, len(text) * MAX_INPUT_TOKENS // (size + 1))]
        size = tokens(text)
    return text, size
