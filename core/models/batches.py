"""Cutting texts into requests that an embeddings service accepts."""

from collections.abc import Iterator, Sequence

from core.tokens import TokenCounter

# OpenAI's limits, from the docstring of openai.resources.embeddings.
MOST_INPUTS = 2_048
LONGEST_INPUT = 8_192
MOST_TOKENS = 300_000


def batches(texts: Sequence[str], tokens: TokenCounter, most_inputs: int = MOST_INPUTS) -> Iterator[list[str]]:
    """The texts in order, in lists within all three limits. A text over the limit of one input is cut at its end.

    No text is empty in a batch: services refuse those, so an empty one becomes a single dot.
    """
    batch: list[str] = []
    total = 0
    for text in texts:
        fitting, size = _fit(text.strip() or ".", tokens)
        if batch and (len(batch) == most_inputs or total + size > MOST_TOKENS):
            yield batch
            batch, total = [], 0
        batch.append(fitting)
        total += size
    if batch:
        yield batch


def _fit(text: str, tokens: TokenCounter) -> tuple[str, int]:
    """The text, or what fits of it, and at least as many tokens as it has."""
    size = len(text.encode(errors="replace"))
    if size <= LONGEST_INPUT:
        # Every token is a byte at least. Most passages are that short, and counting their tokens would take longer.
        return text, size
    size = tokens(text)
    while size > LONGEST_INPUT:
        text = text[: max(1, len(text) * LONGEST_INPUT // (size + 1))]
        size = tokens(text)
    return text, size
