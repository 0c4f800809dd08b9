"""What embedding costs, as far as it is known."""

DOLLARS_PER_MILLION_TOKENS = {
    "text-embedding-3-small": 0.02,
    "text-embedding-3-large": 0.13,
    "text-embedding-ada-002": 0.10,
}
"""OpenAI's list prices as of June 2025; its prices for batches are half of these, and of no use here."""

OFFLINE = "wordllama-"
"""What the names of models begin with that run here and cost nothing."""


def dollars(model: str, tokens: int) -> float | None:
    """The price of embedding so many tokens; None where the model's price is not known."""
    if model.startswith(OFFLINE):
        return 0.0
    price = DOLLARS_PER_MILLION_TOKENS.get(model)
    return None if price is None else price * tokens / 1_000_000
