"""The program as a process of its own, in a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from bot.config.settings import Settings
from tests.adapters.garden import write_posts

REPOSITORY = Path(__file__).parents[2]
TOML = '[[sources]]\nname = "garden"\nfolder = "posts"\n'
WITHIN = 60.0
"""Seconds for a command; it takes two where nothing else runs."""


def make_home(folder: Path) -> Path:
    """A folder with the garden blog and a footnoted.toml that names it."""
    write_posts(folder / "posts")
    (folder / "footnoted.toml").write_text(TOML, encoding="utf-8")
    return folder


def environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of whoever runs the tests, without their settings."""
    settings = {name.upper() for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name.upper() not in settings}
    window = {"COLUMNS": "80", "NO_COLOR": "1"}
    # What would be downloaded fails at once: no test leaves this machine.
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1"}
    return kept | window | nowhere | {"PYTHONPATH": str(REPOSITORY), "WEB_PORT": "0"} | dict(given or {})


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bot", *arguments]


def footnoted(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end, with settings given in the environment."""
    return subprocess.run(
        command(*arguments),
        cwd=home,
        env=environment(settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
