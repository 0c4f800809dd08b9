"""What the README and the manual promise is true: commands run, links lead somewhere, settings are all there."""

import re
import shlex
from pathlib import Path

import pytest

from bot.cli.main import app
from bot.config.settings import Settings
from tests.bot.running import REPOSITORY, invoke

README = REPOSITORY / "README.md"
DOCS = sorted((REPOSITORY / "docs").rglob("*.md"))
PAGES = [README, *DOCS]
SETTINGS_PAGE = REPOSITORY / "docs" / "settings.md"

LONG_RUNNING = {"serve", "chat"}
"""Commands that end only when somebody ends them; their own tests run them."""


def name_of(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix()


def shell_lines(page: Path) -> list[str]:
    """The lines of a page's ```sh blocks, without comments."""
    blocks = re.findall(r"^```(?:sh|shell|bash)\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


def commands(page: Path) -> list[list[str]]:
    """The arguments of each call of `footnoted` in a page."""
    calls = (re.fullmatch(r"(?:\.venv/bin/)?footnoted (.+)", line) for line in shell_lines(page))
    return [shlex.split(call[1], comments=True) for call in calls if call]


def words_of(text: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, text))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of somebody who just installed the bot: no settings, no posts but the manual."""
    return tmp_path_factory.mktemp("reader")


def test_every_command_of_the_readme_works_without_a_key(home: Path) -> None:
    """In the order in which a reader meets them, in one folder."""
    ran = []
    for arguments in commands(README):
        if arguments[0] in LONG_RUNNING:
            continue
        done = invoke(home, *arguments)
        ran.append(arguments[0])
        assert done.returncode == 0, f"footnoted {shlex.join(arguments)} failed: {done.stderr}"
        assert done.stdout.strip(), f"footnoted {shlex.join(arguments)} says nothing"
        if arguments[0] == "ask":
            assert re.search(r"^\[1\] .+", done.stdout, re.MULTILINE), f"no footnote: {done.stdout}"
    assert {"ask", "search", "doctor", "reindex"} <= set(ran)


def test_the_question_that_the_readme_suggests_is_answered(home: Path) -> None:
    """Each question that stands in italics is one."""
    asked = re.findall(r"\*([A-Z][^*\n]+\?)\*", README.read_text(encoding="utf-8"))
    assert asked
    for question in asked:
        done = invoke(home, "ask", question)
        assert "\n[1] " in done.stdout, f"{question} is not answered: {done.stdout}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_only_commands_that_exist_are_named(page: Path) -> None:
    names = (command.callback.__name__ for command in app.registered_commands if command.callback)
    known = {name.replace("_", "-") for name in names} | {group.name for group in app.registered_groups}
    text = page.read_text(encoding="utf-8")
    called = {arguments[0] for arguments in commands(page)} - {"--version"}
    named = called | words_of(text, r"`footnoted ([a-z-]+)")
    assert named <= known


def test_make_runs_and_tests_as_the_readme_says() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = words_of(makefile, r"(?m)^([a-z][a-z-]*):")
    named = words_of("\n".join([*shell_lines(README), README.read_text(encoding="utf-8")]), r"\bmake ([a-z]+)\b")
    assert {"run", "test"} <= named
    assert {"run", "test", "check"} <= targets
    assert named & {"run", "test", "check", "install", "lock"} <= targets


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^(```|~~~).*?^\1", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^()\s]+)\)", re.sub(r"`[^`\n]*`(?!\])", "", text))
    local = [target for target in targets if not re.match(r"[a-z][a-z0-9+.-]*:", target)]
    missing = [target for target in local if not leads_somewhere(page, target)]
    assert missing == []


def leads_somewhere(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = page.parent / path if path else page
    if not file.exists():
        return False
    return not anchor or anchor in anchors(file)


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+\s+(.+?)\s*$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.lower())) for heading in headings}


def test_the_manual_lists_exactly_the_settings_that_there_are() -> None:
    page = SETTINGS_PAGE.read_text(encoding="utf-8")
    rows = words_of(page, r"(?m)^\|\s*`([A-Z][A-Z0-9_]+)`\s*\|")
    assert rows == {name.upper() for name in Settings.model_fields}


def test_the_manual_tells_the_defaults_that_there_are() -> None:
    page = SETTINGS_PAGE.read_text(encoding="utf-8")
    told = dict(re.findall(r"(?m)^\|\s*`([A-Z][A-Z0-9_]+)`\s*\|\s*`([^`|]+)`", page))
    for name, default in told.items():
        field = Settings.model_fields[name.lower()]
        shown = str(field.default).lower()
        assert default.lower() == shown or not isinstance(field.default, int | float | str), f"{name} is {shown}"


@pytest.mark.parametrize("page", [README, *DOCS, REPOSITORY / ".env.example"], ids=name_of)
def test_no_page_names_a_setting_that_there_is_not(page: Path) -> None:
    """In prose a setting stands in backticks and capitals, in a block before an equals sign."""
    text = page.read_text(encoding="utf-8")
    named = words_of(text, r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=[^`]*)?`") | words_of(text, r"(?m)^#? ?([A-Z][A-Z0-9_]+)=")
    elsewhere = {"PYTHON", "UPGRADE", "HTTPS_PROXY", "SSL_CERT_FILE"}
    elsewhere |= {"REDIS_PASSWORD"}  # of compose.yml
    elsewhere |= {"YOUR_APPLICATION_ID"}  # in an invite link
    assert named - elsewhere <= {name.upper() for name in Settings.model_fields}


def test_the_example_of_an_environment_names_every_setting() -> None:
    """But for the sources, which are tables."""
    example = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    named = words_of(example, r"(?m)^#? ?([A-Z][A-Z0-9_]+)=")
    assert named >= {name.upper() for name in Settings.model_fields} - {"SOURCES"}
