"""Sources and channels, as footnoted.toml has them: what one channel is answered from shows nowhere else."""

from pathlib import Path
from typing import Any

import pytest

from bot.config.loader import load_settings
from core.domain import Conversation, Scope
from core.errors import StartupError


def problems(**given: Any) -> list[str]:
    """Return the problems of invalid settings with their remedies."""
    with pytest.raises(StartupError) as caught:
        load_settings(**given)
    return [f"{problem.what} {problem.cure}" for problem in caught.value.problems]


CHANNELS = """
[[sources]]
name = "blog"
feed = "https://a/feed"

[[sources]]
name = "people"
feed = "https://b/feed"
shared = {shared}

[[channels]]
platform = "slack"
id = "C1"
sources = ["people"]
system_prompt = "You are discreet."
mode = "every-question"
"""


def test_source_of_a_channel_is_hidden_from_other_channels() -> None:
    Path("footnoted.toml").write_text(CHANNELS.format(shared="false"))
    channels = load_settings().all_channels
    here, elsewhere = Conversation("slack", "C1", "T1", "thread"), Conversation("slack", "C2", "T1")
    assert channels.scope(here) == Scope(frozenset({"people"}), "You are discreet.")
    assert channels.scope(elsewhere) == channels.scope(None) == Scope(frozenset({"blog"}))
    assert channels.answers_every_question(here)
    assert not channels.answers_every_question(elsewhere)


def test_shared_source_is_visible_in_all_channels() -> None:
    Path("footnoted.toml").write_text(CHANNELS.format(shared="true"))
    assert load_settings().all_channels.scope(None) == Scope(None)


def test_unknown_source_of_a_channel_is_reported() -> None:
    Path("footnoted.toml").write_text(CHANNELS.format(shared="false").replace('["people"]', '["attic"]'))
    assert problems() == [
        "The channel C1 names the source “attic”, which does not exist. Use one of: blog, people.",
    ]


def test_invalid_channel_is_reported_with_its_position() -> None:
    Path("footnoted.toml").write_text(CHANNELS.format(shared="false").replace('"slack"', '"irc"'))
    assert problems()[0].startswith("footnoted.toml, channel 1 platform is invalid")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('platform = "slack"', "channel 1 id is missing"),
        ('id = "C1"', "channel 1 platform is missing"),
        ('platform = "slack"\nid = ""', "channel 1 id is invalid"),
        ('platform = "slack"\nid = "C1"\nmode = "always"', "channel 1 mode is invalid"),
        ('platform = "slack"\nid = "C1"\npersona = "You"', "channel 1 persona is not a setting"),
        ('platform = "slack"\nid = "C1"\nsources = "people"', "channel 1 sources is invalid"),
        ('platform = "slack"\nid = "C1"\nsources = ["\\t"]', "channel 1 sources 1 is invalid"),
        (
            'platform = "slack"\nid = "C1"\n[[channels]]\nplatform = "slack"\nid = "C1"',
            "the channel C1 has two tables",
        ),
    ],
)
def test_each_invalid_key_of_a_channel_is_reported(table: str, words: str) -> None:
    Path("footnoted.toml").write_text(f"[[channels]]\n{table}\n")
    [problem] = problems()
    assert words in problem


def test_same_channel_id_may_appear_on_two_platforms() -> None:
    tables = "".join(f'[[channels]]\nplatform = "{platform}"\nid = "1"\n' for platform in ("slack", "discord"))
    Path("footnoted.toml").write_text(tables)
    assert len(load_settings().channels) == 2


@pytest.mark.parametrize("name", ["", "  ", "a\\u0000b", "a\\u001fb", "a\\nb"])
def test_source_name_without_printable_characters_is_rejected(name: str) -> None:
    Path("footnoted.toml").write_text(f'[[sources]]\nname = "{name}"\nfeed = "https://a/feed"\n')
    [problem] = problems()
    assert "source 1 name is invalid" in problem


def test_spaces_around_source_names_are_ignored() -> None:
    Path("footnoted.toml").write_text(
        '[[sources]]\nname = " people "\nfeed = "https://a/feed"\n'
        '[[channels]]\nplatform = "slack"\nid = "C1"\nsources = ["people  "]\n'
    )
    settings = load_settings()
    assert settings.all_sources[0].name == "people"
    assert settings.all_channels.scope(Conversation("slack", "C1")).sources == frozenset({"people"})


def test_feed_is_named_by_its_url_without_scheme_and_www() -> None:
    Path("footnoted.toml").write_text(
        'feeds = ["https://www.a.example/feed/"]\n'
        '[[channels]]\nplatform = "slack"\nid = "C1"\nsources = ["a.example/feed"]\n'
    )
    channels = load_settings().all_channels
    assert channels.scope(Conversation("slack", "C1")).sources == frozenset({"a.example/feed"})
    assert channels.scope(None).sources == frozenset()


def test_invalid_source_is_not_also_reported_for_its_channel() -> None:
    Path("footnoted.toml").write_text(CHANNELS.format(shared="false").replace("https://b/feed", "b/feed"))
    [problem] = problems()
    assert "source 2 feed is invalid" in problem


def test_own_emoji_and_texts_are_read_and_checked() -> None:
    Path("footnoted.toml").write_text('[emoji]\nthanks = "🙏"\n[texts.de]\n"Sources" = "Belege"\n', encoding="utf-8")
    settings = load_settings()
    assert settings.emoji == {"thanks": "🙏"}
    assert settings.texts == {"de": {"Sources": "Belege"}}
    for table, problem in (
        ('[texts.xx]\n"Sources" = "x"', "there are no texts in the language “xx”"),
        ('[texts.en]\n"Sauces" = "x"', "there is no text “Sauces”"),
        ('[texts.en]\n"Sources" = "{x}"', "the text “Sources” has other {placeholders}"),
    ):
        Path("footnoted.toml").write_text(table, encoding="utf-8")
        with pytest.raises(StartupError) as caught:
            load_settings()
        assert problem in str(caught.value)
