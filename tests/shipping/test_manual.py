"""The manual's systemd unit and nginx configuration are valid, checked by these programs where installed."""

import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.bot.running import REPOSITORY

RUNNING = REPOSITORY / "docs" / "running"


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of a page in a language."""
    text = (RUNNING / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```", text)


def unit() -> str:
    [found] = blocks("server", "ini")
    return str(found)


def test_unit_lets_open_answers_finish_and_redis_stop_by_itself() -> None:
    parsed = ConfigParser()
    parsed.read_string(unit())
    service = parsed["Service"]
    assert int(service["TimeoutStopSec"]) > 25
    assert service["KillMode"] == "mixed"
    assert service["ReadWritePaths"] == service["WorkingDirectory"]
    assert service["ExecStart"].endswith("/footnoted serve")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is needed")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    file = tmp_path / "footnoted.service"
    file.write_text(re.sub(r"(?m)^ExecStart=.*$", "ExecStart=/bin/true", unit()), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is needed")
def test_nginx_accepts_the_configuration(tmp_path: Path) -> None:
    locations = "".join(blocks("proxy", "nginx"))
    file = tmp_path / "nginx.conf"
    file.write_text(f"events {{}} http {{ server {{ {locations} }} }}", encoding="utf-8")
    done = subprocess.run(
        ["nginx", "-t", "-p", str(tmp_path), "-e", "stderr", "-g", "pid nginx.pid;", "-c", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    # Whether its folders are there is not asked.
    assert "syntax is ok" in done.stderr
