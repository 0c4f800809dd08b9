"""What models cost, as far as it is known."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for a million tokens."""

    read: float
    written: float = 0.0


PRICES = {
    "text-embedding-3-small": Price(0.02),
    "text-embedding-3-large": Price(0.13),
    "text-embedding-ada-002": Price(0.10),
    "gpt-5.5": Price(5.00, 30.00),
    "gpt-5.4": Price(2.50, 15.00),
    "gpt-5.4-mini": Price(0.75, 4.50),
    "gpt-5.4-nano": Price(0.20, 1.25),
    "gpt-5.2": Price(1.75, 14.00),
    "gpt-5.1": Price(1.25, 10.00),
    "gpt-5": Price(1.25, 10.00),
    "gpt-5-mini": Price(0.25, 2.00),
    "gpt-5-nano": Price(0.05, 0.40),
    "gpt-4.1": Price(2.00, 8.00),
    "gpt-4.1-mini": Price(0.40, 1.60),
    "gpt-4.1-nano": Price(0.10, 0.40),
    "gpt-4o": Price(2.50, 10.00),
    "gpt-4o-mini": Price(0.15, 0.60),
}
"""OpenAI's list prices for its standard processing (developers.openai.com/api/docs/pricing), as several others quoted
them up to November 2026; those of the embedding models as of June 2025. What is cheaper there, cached or in batches, is
counted in full here: the figures are upper bounds. On Azure a deployment bears any name, and so has no known price."""

FREE = ("wordllama-", "extraction")
"""What the names of models begin with that run here and cost nothing."""


def dollars(model: str, read: int, written: int = 0) -> float | None:
    """The price of so many tokens; None where the model's price is not known."""
    if model.startswith(FREE):
        return 0.0
    price = PRICES.get(model)
    return None if price is None else (price.read * read + price.written * written) / 1_000_000
