"""Reads a Dockerfile as far as ours goes: stages of instructions."""

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
    """One instruction, such as `COPY`, and what follows it, with continued lines joined."""

    name: str
    rest: str

    @property
    def words(self) -> list[str]:
        """What follows, as words; the JSON form as its elements."""
        return list(json.loads(self.rest)) if self.rest.startswith("[") else shlex.split(self.rest)


def stages(path: Path = DOCKERFILE) -> list[list[Instruction]]:
    """The instructions of each stage; the first one is its FROM."""
    found: list[list[Instruction]] = []
    for instruction in _instructions(path.read_text(encoding="utf-8")):
        if instruction.name == "FROM":
            found.append([])
        found[-1].append(instruction)
    return found


def environment_of(stage: list[Instruction]) -> dict[str, str]:
    """All that ENV says in a stage."""
    words = (word for instruction in stage if instruction.name == "ENV" for word in instruction.words)
    return dict(word.split("=", 1) for word in words)


def last(stage: list[Instruction], name: str) -> Instruction:
    """The instruction of this name that counts."""
    return [instruction for instruction in stage if instruction.name == name][-1]


def _instructions(text: str) -> Iterator[Instruction]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for joined in re.sub(r"\s*\\\n\s*", " ", "\n".join(lines)).splitlines():
        if joined.strip():
            name, rest = joined.split(maxsplit=1)
            yield Instruction(name, rest)
