"""Prices of models, from the list that ships with genai-prices."""

from functools import cache

LOCAL = ("wordllama-", "extraction")
"""Prefixes of the names of models that run in this process and cost nothing."""

OPEN_WEIGHTS = "gpt-oss"
"""OpenAI's open models, which people run on their own servers. The list has a price for them; OpenAI does not sell
them."""

SAMPLE = 1_000
"""Tokens by which a unit price is measured: fewer than any long-context surcharge starts at."""


def dollars(model: str, read: int, written: int = 0) -> float | None:
    """Return OpenAI's list price for these tokens, or None if the model's price is not known.

    The result is an upper bound: discounts for cached input and batches are not counted. An Azure deployment has any
    name its owner chose, and so usually no known price.
    """
    if model.startswith(LOCAL):
        return 0.0
    price = _per_token(model)
    return None if price is None else price[0] * read + price[1] * written


@cache
def _per_token(model: str) -> tuple[float, float] | None:
    """Return dollars for one input token and one output token."""
    from genai_prices import Usage, calc_price  # here, so that offline mode starts without an HTTP client

    if model.startswith(OPEN_WEIGHTS):
        return None
    try:
        price = calc_price(Usage(input_tokens=SAMPLE, output_tokens=SAMPLE), model, provider_id="openai")
    except LookupError:
        return None
    return float(price.input_price) / SAMPLE, float(price.output_price) / SAMPLE
