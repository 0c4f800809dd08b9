"""A parser for the subset of Dockerfile syntax that ours uses."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bot.running import REPOSITORY

DOCKERFILE = REPOSITORY / "Dockerfile"


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction such as `COPY` with its arguments; continued lines are joined."""

    name: str
    rest: str

    @property
    def words(self) -> list[str]:
        """Return the arguments as words; those of the JSON form as its elements."""
        return list(json.loads(self.rest)) if self.rest.startswith("[") else shlex.split(self.rest)


def stages(path: Path = DOCKERFILE) -> list[list[Instruction]]:
    """Return the instructions of each stage, beginning with its FROM."""
    found: list[list[Instruction]] = []
    for instruction in _instructions(path.read_text(encoding="utf-8")):
        if instruction.name == "FROM":
            found.append([])
        found[-1].append(instruction)
    return found


def environment_of(stage: list[Instruction]) -> dict[str, str]:
    """Return the ENV variables of a stage."""
    words = (word for instruction in stage if instruction.name == "ENV" for word in instruction.words)
    return dict(word.split("=", 1) for word in words)


def last(stage: list[Instruction], name: str) -> Instruction:
    """Return the last instruction with this name, which is the effective one."""
    return [instruction for instruction in stage if instruction.name == name][-1]


def _instructions(text: str) -> Iterator[Instruction]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for joined in re.sub(r"\s*\\\n\s*", " ", "\n".join(lines)).splitlines():
        if joined.strip():
            name, rest = joined.split(maxsplit=1)
            yield Instruction(name, rest)
