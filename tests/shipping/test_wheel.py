"""The wheel contains the command, the manual and the page, and nothing else."""

import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from tests.bot.running import REPOSITORY, WITHIN, environment

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def run(*command: str | Path, folder: Path) -> str:
    """Run a command hidden from this checkout and the developer's settings; return its output."""
    without = {name: value for name, value in environment().items() if name != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=without,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this checkout with the locked builder."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, folder=REPOSITORY)
    [found] = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment that shares the dependencies of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, folder=folder)
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=folder).strip())
    # A path in such a file is looked at last, and its own such files are not read: no checkout comes in by them.
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return folder


def test_command_prints_its_version_which_is_defined_once(installed: Path, tmp_path: Path) -> None:
    assert run(installed / "bin" / "footnoted", "--version", folder=tmp_path) == f"footnoted {PROJECT['version']}\n"
    named = subprocess.run(
        ["git", "grep", "-lF", f'"{PROJECT["version"]}"', "--", "*.py", "*.toml"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert named.returncode == 128 or named.stdout.split() == ["pyproject.toml"]


def test_installed_bot_answers_from_its_manual(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "bin" / "python", "-c", "import bot; print(bot.__file__)", folder=tmp_path)
    assert where.startswith(str(installed))
    answer = run(installed / "bin" / "footnoted", "ask", "How do I connect Slack?", folder=tmp_path)
    assert "manual/slack.md" in answer


def test_wheel_holds_only_the_program_page_and_manual(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names}
    assert tops == {"bot", "adapters", "core", f"footnoted-{PROJECT['version']}.dist-info"}
    assert {"adapters/web/page/index.html", "core/locale/de/LC_MESSAGES/footnoted.po", "core/small_talk.toml"} <= names
    docs = (REPOSITORY / "docs").rglob("*.md")
    assert {f"bot/manual/{page.relative_to(REPOSITORY / 'docs').as_posix()}" for page in docs} <= names
    assert not [name for name in names if name.endswith((".pyc", ".env", ".rdb"))]


def test_changelog_follows_keep_a_changelog_and_has_this_version() -> None:
    """Unreleased changes come first, then each version with its date; headings are the known kinds of change."""
    text = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"(?m)^## (.+)$", text)
    assert versions[0] == "[Unreleased]"
    assert re.fullmatch(rf"\[{re.escape(PROJECT['version'])}\] - \d{{4}}-\d\d-\d\d", versions[1])
    for part in re.split(r"(?m)^## ", text)[1:]:
        kinds = re.findall(r"(?m)^### (.+)$", part)
        assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
        assert len(kinds) == len(set(kinds))
