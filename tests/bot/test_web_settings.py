"""A page that others can reach is never open by mistake."""

import pytest

from bot.config.loader import load_settings
from core.errors import StartupError


def wrong(**given: str) -> list[str]:
    """What is invalid with settings, each with its cure."""
    with pytest.raises(StartupError) as caught:
        load_settings(**given)
    return [f"{problem.what} {problem.cure}" for problem in caught.value.problems]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "bot.example"])
def test_a_page_that_others_can_reach_wants_a_token(host: str) -> None:
    assert wrong(web_host=host) == [
        f"The page would be open to everyone who can reach {host}. "
        "Set WEB_TOKEN to at least 16 characters, or WEB_HOST to 127.0.0.1."
    ]
    assert load_settings(web_host=host, web_token="0123456789abcdef").local is False


@pytest.mark.parametrize("token", ["short", "0123456789abcde", "with a blank inside it", "0123456789abcdé…"])
def test_a_token_that_can_be_guessed_or_cannot_be_sent_is_wrong(token: str) -> None:
    [problem] = wrong(web_host="0.0.0.0", web_token=token)
    assert problem.startswith("WEB_TOKEN is invalid: a token has at least 16")
    assert token not in problem


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.0.1", "::1"])
def test_a_page_for_this_machine_alone_needs_none(host: str) -> None:
    assert load_settings(web_host=host).local is True
