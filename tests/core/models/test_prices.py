"""The price of tokens, for the statistics, the metrics and a reindex plan."""

import pytest

from core.models.prices import dollars


@pytest.mark.parametrize(
    ("model", "price"),
    [
        ("gpt-5.4-mini", 0.75 + 4.50),
        ("gpt-5.4", 2.50 + 15.00),  # not the surcharge for long contexts, which a day's total would reach
        ("gpt-4o-2024-08-06", 2.50 + 10.00),
        ("text-embedding-3-small", 0.02),
        ("wordllama-0.4.0-256", 0),
        ("extraction", 0),
    ],
)
def test_a_million_tokens_read_and_written_cost_the_list_price(model: str, price: float) -> None:
    written = 0 if "embedding" in model else 1_000_000
    assert dollars(model, 1_000_000, written) == pytest.approx(price)


@pytest.mark.parametrize("model", ["my-azure-deployment", "llama3.1", "gpt-oss-20b"])
def test_the_price_of_an_unknown_model_is_none(model: str) -> None:
    assert dollars(model, 1_000) is None
