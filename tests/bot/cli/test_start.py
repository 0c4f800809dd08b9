"""Commands start quickly: they import what they run."""

import subprocess
import sys

import pytest

from tests.bot.running import environment

HEAVY = {
    "aiohttp",
    "discord",
    "feedparser",
    "lxml",
    "numpy",
    "openai",
    "redis",
    "rich",
    "slack_bolt",
    "tiktoken",
}
IMPORTED = """
import sys
from bot.cli.main import app
try:
    app(sys.argv[1:])
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def imported(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *arguments],
        env=environment({"WEB_PORT": "none"}),  # so that commands end once the settings are loaded
        capture_output=True,
        text=True,
        check=False,
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["reindex", "--help"]])
def test_version_and_help_import_no_heavy_package(arguments: list[str]) -> None:
    assert not imported(*arguments) & HEAVY


def test_settings_are_loaded_without_servers_platforms_and_parsers() -> None:
    assert not imported("reindex", "--cancel") & {"aiohttp", "discord", "feedparser", "openai", "slack_bolt"}
