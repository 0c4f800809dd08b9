"""The command line: run in this process, or as a separate one."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from structlog.testing import capture_logs

from bot.cli.main import app
from bot.config.settings import Settings
from tests.adapters.garden import write_posts

REPOSITORY = Path(__file__).parents[2]
TOML = '[[sources]]\nname = "garden"\nfolder = "posts"\n'
WITHIN = 60.0
"""Seconds for a command; it takes two where nothing else runs."""


def make_home(folder: Path) -> Path:
    """Create the garden blog and a footnoted.toml that names it."""
    write_posts(folder / "posts")
    (folder / "footnoted.toml").write_text(TOML, encoding="utf-8")
    return folder


def environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment without the settings of the developer who runs the tests."""
    settings = {name.upper() for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name.upper() not in settings}
    window = {"COLUMNS": "80", "NO_COLOR": "1"}
    # Downloads fail at once: no test leaves this machine.
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1"}
    return kept | window | nowhere | {"PYTHONPATH": str(REPOSITORY), "WEB_PORT": "0"} | dict(given or {})


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bot", *arguments]


def invoke(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command in this process, which saves the two seconds of its imports."""
    out, err = StringIO(), StringIO()
    code: object = 0
    with (
        chdir(home),
        patch.dict(os.environ, environment(settings), clear=True),
        patch("bot.cli.runner.set_up_logs"),
        capture_logs(),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            app(list(arguments), prog_name="footnoted")
        except SystemExit as end:
            code = end.code
    return subprocess.CompletedProcess(arguments, code if isinstance(code, int) else 0, out.getvalue(), err.getvalue())


async def invoke_in_thread(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `invoke` beside the test's event loop."""
    return await asyncio.to_thread(invoke, home, *arguments, **settings)
