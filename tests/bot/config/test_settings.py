"""Settings come from the environment, `.env` and footnoted.toml; what is invalid is told at once, and no secret is."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from bot.config.loader import load_settings
from bot.config.settings import MANUAL, Settings
from bot.config.types import shards_of
from core.domain import Source
from core.errors import StartupError
from tests.bot.all_settings import VALUES

TEXTUAL = [(name, text, value) for name, (text, value) in VALUES.items()]
TOGETHER = {"AZURE_OPENAI_ENDPOINT": "https://x", "AZURE_OPENAI_API_KEY": "k", "OPENAI_API_VERSION": "v"}
SLACK = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}


@pytest.fixture(autouse=True)
def whole_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure and Slack are set up in full or not at all; tests that say nothing of them have both."""
    for name, value in (TOGETHER | SLACK).items():
        monkeypatch.setenv(name, value)


def without_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in TOGETHER:
        monkeypatch.delenv(name)


def problems(**given: Any) -> list[str]:
    """What is invalid, each with its cure."""
    with pytest.raises(StartupError) as caught:
        load_settings(**given)
    assert all(problem.cure for problem in caught.value.problems)
    return [f"{problem.what} {problem.cure}" for problem in caught.value.problems]


def test_every_setting_is_tested_here() -> None:
    assert set(VALUES) | {"sources", "channels"} == set(Settings.model_fields)


@pytest.mark.parametrize(("name", "text", "value"), TEXTUAL)
def test_every_setting_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: object
) -> None:
    monkeypatch.setenv(name.upper(), text)
    assert getattr(load_settings(), name) == value


@pytest.mark.parametrize(("name", "text", "value"), TEXTUAL)
def test_every_setting_is_read_from_the_env_file(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: object
) -> None:
    monkeypatch.delenv(name.upper(), raising=False)
    Path(".env").write_text(f'{name.upper()}="{text}"\n')
    assert getattr(load_settings(), name) == value


@pytest.mark.parametrize(("name", "text", "value"), TEXTUAL)
def test_every_setting_is_read_from_the_toml_file(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: object
) -> None:
    monkeypatch.delenv(name.upper(), raising=False)
    plain = value if isinstance(value, int | float) else text
    Path("footnoted.toml").write_text(f"{name} = {str(plain).lower() if plain is True else repr(plain)}\n")
    assert getattr(load_settings(), name) == value


def test_what_is_nearer_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("footnoted.toml").write_text('chat_model = "from toml"\ntop_k = 2\nweb_port = 1\nmin_score = 0.1\n')
    Path(".env").write_text("CHAT_MODEL=from-env-file\nTOP_K=3\nWEB_PORT=2\n")
    monkeypatch.setenv("CHAT_MODEL", "from-environment")
    monkeypatch.setenv("TOP_K", "4")
    settings = load_settings(chat_model="given")
    assert (settings.chat_model, settings.top_k, settings.web_port, settings.min_score) == ("given", 4, 2, 0.1)


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    without_azure(monkeypatch)
    monkeypatch.setenv("OPENAI_API_KEY", "")
    monkeypatch.setenv("TOP_K", "")
    settings = load_settings()
    assert settings.offline
    assert settings.top_k == 5


def test_settings_cannot_be_changed_later() -> None:
    with pytest.raises(ValidationError):
        load_settings().top_k = 3


def test_secrets_are_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REDIS_URL", "OPENAI_API_KEY", "AZURE_OPENAI_API_KEY"):
        monkeypatch.setenv(name, "redis://:hunter2@db:6379")
    settings = load_settings()
    for shown in (repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump())):
        assert "hunter2" not in shown


@pytest.mark.parametrize(("name", "text"), [("REDIS_URL", "http://:hunter2@db"), ("OPENAI_BASE_URL", "hunter2")])
def test_what_is_wrong_is_not_repeated(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(StartupError) as caught:
        load_settings()
    assert name in str(caught.value)
    assert "hunter2" not in str(caught.value) + repr(caught.value) + str(caught.value.__context__)


def test_everything_that_is_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
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
        ("redis_url", "localhost:6379"), ("openai_base_url", "localhost:8000"), ("embedding_dimensions", "0"),
        ("temperature", "3"), ("context_tokens", "10"), ("top_k", "0"), ("top_k", "21"), ("min_score", "1.1"),
        ("history_turns", "-1"), ("history_ttl", "0s"), ("history_ttl", "3 fortnights"), ("questions_per_minute", "0"),
        ("vector_index", "ivf"), ("vector_precision", "int8"), ("feeds", "blog.example/feed"), ("web_port", "-1"),
        ("log_level", "loud"), ("answer_beyond_sources", "perhaps"),
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name.upper(), value)
    [problem] = problems()
    assert problem.startswith(f"{name.upper()} is invalid")


def test_a_value_that_was_given_by_hand_is_named_like_any_other() -> None:
    [problem] = problems(redis_url="localhost")
    assert problem.startswith("REDIS_URL is invalid")


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("top_k =", "footnoted.toml is not valid TOML"),
        ('[[sources]]\nfeed = "https://a/feed"', "source 1 name is missing"),
        ('[[sources]]\nname = "a"', "needs exactly one of feed, sitemap and folder"),
        ('[[sources]]\nname = "a"\nfeed = "https://a"\nsitemap = "https://b"', "needs exactly one of"),
        ('[[sources]]\nname = "a"\nfeed = "a.example"', "https://"),
        ('[[sources]]\nname = "a"\nfeed = "https://a"\nlimit = 0', "limit"),
        ('[[sources]]\nname = "a"\nfeeed = "https://a"', "feeed"),
        ('[[sources]]\nname = "a"\nfeed = "https://a"\n[[sources]]\nname = "a"\nfeed = "https://b"', "named “a”"),
        ('[[sources]]\nname = "a"\nfolder = "nowhere"', "The folder of the source “a” does not exist"),
    ],
)
def test_a_source_that_makes_no_sense_is_named(toml: str, words: str) -> None:
    Path("footnoted.toml").write_text(toml)
    assert any(words in problem for problem in problems())


@pytest.mark.parametrize("file", ["footnoted.toml", ".env"])
def test_a_file_that_is_no_text_is_named(file: str) -> None:
    Path(file).write_bytes(b"CHAT_MODEL = '\xff\xfe\x00'\n")
    assert any("not encoded in UTF-8" in problem for problem in problems())


def test_sources_of_every_kind_are_read_with_the_feeds_behind_them(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("notes").mkdir()
    Path("footnoted.toml").write_text(
        '[[sources]]\nname = "blog"\nfeed = "https://a/feed"\nselector = "article"\nlimit = 5\nexclude = ["/tag/*"]\n'
        '[[sources]]\nname = "docs"\nsitemap = "https://d/sitemap.xml"\ninclude = ["/guide/*"]\n'
        '[[sources]]\nname = "notes"\nfolder = "notes"\nurl = "https://n/"\n'
    )
    monkeypatch.setenv("FEEDS", "https://www.b.example/feed/,https://c.example/atom.xml")
    assert load_settings().all_sources == (
        Source("blog", "feed", "https://a/feed", selector="article", exclude=("/tag/*",), limit=5),
        Source("docs", "sitemap", "https://d/sitemap.xml", include=("/guide/*",)),
        Source("notes", "folder", "notes", published_at="https://n/"),
        Source("b.example/feed", "feed", "https://www.b.example/feed/"),
        Source("c.example/atom.xml", "feed", "https://c.example/atom.xml"),
    )


def test_without_sources_the_bot_reads_its_own_manual() -> None:
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
def test_times_are_written_as_people_write_them(monkeypatch: pytest.MonkeyPatch, text: str, value: timedelta) -> None:
    monkeypatch.setenv("HISTORY_TTL", text)
    assert load_settings().history_ttl == value


@pytest.mark.parametrize(
    ("variables", "offline"),
    [
        ({}, True),
        ({"OPENAI_API_KEY": "sk"}, False),
        ({"OPENAI_BASE_URL": "http://localhost:8000/v1"}, False),
        (TOGETHER, False),
    ],
)
def test_without_a_key_and_a_server_the_bot_is_offline(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], offline: bool
) -> None:
    without_azure(monkeypatch)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert load_settings().offline is offline


@pytest.mark.parametrize("missing", sorted(TOGETHER))
def test_azure_in_part_is_told_with_what_is_missing(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.delenv(missing)
    assert any(f"Set {missing}" in problem for problem in problems())


def test_the_version_alone_does_not_make_it_azure(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_half_a_slack_names_what_is_missing(monkeypatch: pytest.MonkeyPatch, given: dict[str, str], told: str) -> None:
    for name in SLACK:
        monkeypatch.delenv(name)
    assert any(problem.startswith(told) for problem in problems(**given))


def test_either_way_to_slack_is_a_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACK_APP_TOKEN")
    assert load_settings(slack_signing_secret="s").slack_signing_secret == SecretStr("s")


@pytest.mark.parametrize(
    ("text", "shards"),
    [("0/1", ((0,), 1)), ("0-3/8", ((0, 1, 2, 3), 8)), ("0,2 / 4", ((0, 2), 4)), ("0-1,6-7/8", ((0, 1, 6, 7), 8))],
)
def test_shards_are_written_as_which_of_how_many(text: str, shards: tuple[tuple[int, ...], int]) -> None:
    assert shards_of(text) == shards


@pytest.mark.parametrize("text", ["", "4/4", "0-8/8", "3-1/8", "0,0/2", "1", "a/b", "-1/2", "0-3"])
def test_shards_that_there_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="0-3/8"):
        shards_of(text)
