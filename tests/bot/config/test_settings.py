"""Settings from the environment, `.env` and footnoted.toml: all problems are reported at once, without secrets."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from bot.config.loader import load_settings
from bot.config.settings import MANUAL, Settings
from bot.config.types import parse_shards
from core.domain import Source
from core.errors import StartupError
from tests.bot.all_settings import VALUES

EXPECTED = {name: value for name, (_, value) in VALUES.items()}
AZURE = {"AZURE_OPENAI_ENDPOINT": "https://x", "AZURE_OPENAI_API_KEY": "k", "OPENAI_API_VERSION": "v"}
SLACK = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}


@pytest.fixture(autouse=True)
def azure_and_slack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set up Azure and Slack, which must be complete or absent."""
    for name, value in (AZURE | SLACK).items():
        monkeypatch.setenv(name, value)


def without_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in AZURE:
        monkeypatch.delenv(name)


def clear_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in AZURE | SLACK:
        monkeypatch.delenv(name)


def problems(**given: Any) -> list[str]:
    """Return the problems of invalid settings with their remedies."""
    with pytest.raises(StartupError) as caught:
        load_settings(**given)
    assert all(problem.cure for problem in caught.value.problems)
    return [f"{problem.what} {problem.cure}" for problem in caught.value.problems]


def test_every_setting_is_tested_here() -> None:
    assert set(VALUES) | {"sources", "channels", "emoji", "texts"} == set(Settings.model_fields)


def loaded_values() -> dict[str, object]:
    """Load the settings; return those that VALUES has."""
    settings = load_settings()
    return {name: getattr(settings, name) for name in VALUES}


def test_every_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, (text, _) in VALUES.items():
        monkeypatch.setenv(name.upper(), text)
    assert loaded_values() == EXPECTED


def test_every_setting_is_read_from_the_env_file(monkeypatch: pytest.MonkeyPatch) -> None:
    clear_environment(monkeypatch)
    Path(".env").write_text("".join(f'{name.upper()}="{text}"\n' for name, (text, _) in VALUES.items()))
    assert loaded_values() == EXPECTED


def test_every_setting_is_read_from_the_toml_file(monkeypatch: pytest.MonkeyPatch) -> None:
    clear_environment(monkeypatch)
    plain = {name: value if isinstance(value, int | float) else text for name, (text, value) in VALUES.items()}
    lines = (
        f"{name} = {str(value).lower() if isinstance(value, bool) else repr(value)}\n" for name, value in plain.items()
    )
    Path("footnoted.toml").write_text("".join(lines))
    assert loaded_values() == EXPECTED


def test_arguments_override_environment_env_file_and_toml(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("footnoted.toml").write_text('chat_model = "from toml"\ntop_k = 2\nweb_port = 1\nmin_score = 0.1\n')
    Path(".env").write_text("CHAT_MODEL=from-env-file\nTOP_K=3\nWEB_PORT=2\n")
    monkeypatch.setenv("CHAT_MODEL", "from-environment")
    monkeypatch.setenv("TOP_K", "4")
    settings = load_settings(chat_model="given")
    assert (settings.chat_model, settings.top_k, settings.web_port, settings.min_score) == ("given", 4, 2, 0.1)


def test_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    without_azure(monkeypatch)
    monkeypatch.setenv("OPENAI_API_KEY", "")
    monkeypatch.setenv("TOP_K", "")
    settings = load_settings()
    assert settings.offline
    assert settings.top_k == 5


def test_settings_are_immutable() -> None:
    with pytest.raises(ValidationError):
        load_settings().top_k = 3


def test_secrets_are_masked_in_every_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REDIS_URL", "OPENAI_API_KEY", "AZURE_OPENAI_API_KEY"):
        monkeypatch.setenv(name, "redis://:hunter2@db:6379")
    settings = load_settings()
    for shown in (repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump())):
        assert "hunter2" not in shown


@pytest.mark.parametrize(("name", "text"), [("REDIS_URL", "http://:hunter2@db"), ("OPENAI_BASE_URL", "hunter2")])
def test_invalid_values_are_not_repeated_in_errors(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(StartupError) as caught:
        load_settings()
    assert name in str(caught.value)
    assert "hunter2" not in str(caught.value) + repr(caught.value) + str(caught.value.__context__)


def test_all_problems_are_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_VERSION")
    monkeypatch.setenv("TOP_K", "many")
    monkeypatch.setenv("HISTORY_TTL", "soon")
    Path("footnoted.toml").write_text('web_port = 99999\n[[sources]]\nname = "notes"\nfolder = "nowhere"\n')
    found = problems()
    for words in ("TOP_K", "HISTORY_TTL", "WEB_PORT", "OPENAI_API_VERSION", "“notes”"):
        assert any(words in problem for problem in found), (words, found)
    assert len(found) == 5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("redis_url", "localhost:6379"), ("openai_base_url", "localhost:8000"), ("top_k", "21"),
        ("history_ttl", "0s"), ("history_ttl", "3 fortnights"), ("feeds", "blog.example/feed"), ("log_level", "loud"),
    ],
)  # fmt: skip
def test_invalid_value_is_reported_with_its_setting(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name.upper(), value)
    [problem] = problems()
    assert problem.startswith(f"{name.upper()} is invalid")


def test_invalid_argument_is_reported_like_an_environment_variable() -> None:
    [problem] = problems(redis_url="localhost")
    assert problem.startswith("REDIS_URL is invalid")


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("top_k =", "footnoted.toml is not valid TOML"),
        ('[[sources]]\nfeed = "https://a/feed"', "source 1 name is missing"),
        ('[[sources]]\nname = "a"', "needs exactly one of feed, sitemap, site and folder"),
        ('[[sources]]\nname = "a"\nfolder = "f"\nlayout = "hogo"', "a layout is one of hugo, jekyll, "),
        ('[[sources]]\nname = "a"\nfeed = "https://a"\ncrawl = true', "crawl is for a site"),
        ('[[sources]]\nname = "a"\nfeed = "https://a"\nsitemap = "https://b"', "needs exactly one of"),
        ('[[sources]]\nname = "a"\nfeed = "a.example"', "https://"),
        ('[[sources]]\nname = "a"\nfeed = "https://a"\nlimit = 0', "limit"),
        ('[[sources]]\nname = "a"\nfeeed = "https://a"', "feeed"),
        ('[[sources]]\nname = "a"\nfeed = "https://a"\n[[sources]]\nname = "a"\nfeed = "https://b"', "named “a”"),
        ('[[sources]]\nname = "a"\nfolder = "nowhere"', "The folder of the source “a” does not exist"),
    ],
)
def test_invalid_source_is_reported(toml: str, words: str) -> None:
    Path("footnoted.toml").write_text(toml)
    assert any(words in problem for problem in problems())


@pytest.mark.parametrize("file", ["footnoted.toml", ".env"])
def test_file_that_is_not_utf8_is_reported(file: str) -> None:
    Path(file).write_bytes(b"CHAT_MODEL = '\xff\xfe\x00'\n")
    assert any("not encoded in UTF-8" in problem for problem in problems())


def test_sources_of_every_kind_come_before_feeds(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("notes").mkdir()
    Path("footnoted.toml").write_text(
        '[[sources]]\nname = "blog"\nfeed = "https://a/feed"\nselector = "article"\nlimit = 5\nexclude = ["/tag/*"]\n'
        '[[sources]]\nname = "docs"\nsitemap = "https://d/sitemap.xml"\ninclude = ["/guide/*"]\n'
        '[[sources]]\nname = "notes"\nfolder = "notes"\nurl = "https://n/"\n'
        '[[sources]]\nname = "site"\nfolder = "notes"\nbase_url = "https://s/"\nlayout = "hugo"\n'
    )
    monkeypatch.setenv("FEEDS", "https://www.b.example/feed/,https://c.example/atom.xml")
    assert load_settings().all_sources == (
        Source("blog", "feed", "https://a/feed", selector="article", exclude=("/tag/*",), limit=5),
        Source("docs", "sitemap", "https://d/sitemap.xml", include=("/guide/*",)),
        Source("notes", "folder", "notes", published_at="https://n/"),
        Source("site", "folder", "notes", published_at="https://s/", layout="hugo"),
        Source("b.example/feed", "feed", "https://www.b.example/feed/"),
        Source("c.example/atom.xml", "feed", "https://c.example/atom.xml"),
    )


def test_without_sources_the_manual_is_indexed() -> None:
    [source] = load_settings().all_sources
    assert (source.name, source.kind, source.address) == ("manual", "folder", str(MANUAL))
    assert MANUAL.is_dir()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("90s", timedelta(seconds=90)), ("15m", timedelta(minutes=15)), ("12h", timedelta(hours=12)),
        ("30d", timedelta(days=30)), ("4w", timedelta(weeks=4)), (" 5 m ", timedelta(minutes=5)),
        ("3600", timedelta(hours=1)), ("P1D", timedelta(days=1)),
    ],
)  # fmt: skip
def test_durations_accept_short_units_seconds_and_iso_8601(
    monkeypatch: pytest.MonkeyPatch, text: str, value: timedelta
) -> None:
    monkeypatch.setenv("HISTORY_TTL", text)
    assert load_settings().history_ttl == value


@pytest.mark.parametrize(
    ("variables", "offline"),
    [
        ({}, True),
        ({"OPENAI_API_KEY": "sk"}, False),
        ({"OPENAI_BASE_URL": "http://localhost:8000/v1"}, False),
        (AZURE, False),
    ],
)
def test_bot_is_offline_without_a_key_and_a_server(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], offline: bool
) -> None:
    without_azure(monkeypatch)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert load_settings().offline is offline


@pytest.mark.parametrize("missing", sorted(AZURE))
def test_incomplete_azure_setup_names_the_missing_setting(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.delenv(missing)
    assert any(f"Set {missing}" in problem for problem in problems())


def test_api_version_alone_does_not_select_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    without_azure(monkeypatch)
    monkeypatch.setenv("OPENAI_API_VERSION", "2026-01-01")
    assert load_settings().offline


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"slack_bot_token": "xoxb-1"}, "Slack is only partly set up: SLACK_APP_TOKEN is missing."),
        ({"slack_app_token": "xapp-1"}, "Slack is only partly set up: SLACK_BOT_TOKEN is missing."),
        ({"slack_signing_secret": "s"}, "Slack is only partly set up: SLACK_BOT_TOKEN is missing."),
        ({"slack_bot_token": "xapp-1", "slack_app_token": "xapp-1"}, "SLACK_BOT_TOKEN holds another kind of token."),
        ({"slack_bot_token": "xoxb-1", "slack_app_token": "xoxb-1"}, "SLACK_APP_TOKEN holds another kind of token."),
    ],
)
def test_incomplete_slack_setup_names_the_missing_setting(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], told: str
) -> None:
    for name in SLACK:
        monkeypatch.delenv(name)
    assert any(problem.startswith(told) for problem in problems(**given))


def test_slack_setup_is_complete_with_a_signing_secret_instead_of_an_app_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACK_APP_TOKEN")
    assert load_settings(slack_signing_secret="s").slack_signing_secret == SecretStr("s")


@pytest.mark.parametrize(
    ("text", "shards"),
    [("0/1", ([0], 1)), ("0-3/8", ([0, 1, 2, 3], 8)), ("0,2 / 4", ([0, 2], 4)), ("0-1,6-7/8", ([0, 1, 6, 7], 8))],
)
def test_shards_are_parsed_as_ids_of_a_total(text: str, shards: tuple[list[int], int]) -> None:
    assert parse_shards(text) == shards


@pytest.mark.parametrize("text", ["", "4/4", "0-8/8", "3-1/8", "0,0/2", "1", "a/b", "-1/2", "0-3", 5])
def test_impossible_shards_are_rejected(text: str | int) -> None:
    with pytest.raises(ValueError, match="0-3/8"):
        parse_shards(text)
