"""Settings never expose the page to others without a token."""

import pytest

from bot.config.loader import load_settings
from core.errors import StartupError


def problems(**given: str) -> list[str]:
    """Return the problems of invalid settings with their remedies."""
    with pytest.raises(StartupError) as caught:
        load_settings(**given)
    return [f"{problem.what} {problem.cure}" for problem in caught.value.problems]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "bot.example"])
def test_page_on_a_public_address_requires_a_token(host: str) -> None:
    assert problems(web_host=host) == [
        f"The page would be open to everyone who can reach {host}. "
        "Set WEB_TOKEN to at least 16 characters, or WEB_HOST to 127.0.0.1."
    ]
    assert load_settings(web_host=host, web_token="0123456789abcdef").local is False


@pytest.mark.parametrize("token", ["short", "0123456789abcde", "with a blank inside it", "0123456789abcdé…"])
def test_short_or_unsendable_token_is_rejected(token: str) -> None:
    [problem] = problems(web_host="0.0.0.0", web_token=token)
    assert problem.startswith("WEB_TOKEN is invalid: a token has at least 16")
    assert token not in problem


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.0.1", "::1"])
def test_page_on_a_loopback_address_needs_no_token(host: str) -> None:
    assert load_settings(web_host=host).local is True
