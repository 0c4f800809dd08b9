"""The map of the architecture names only what exists."""

import ast
import re

from tests.bot.running import REPOSITORY

PAGE = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
PLANNED = {"TeamsBot"}
"""The platform that the page adds on paper."""


def definitions() -> set[str]:
    """Every class and function of the product, and every method as `Class.method`."""
    found: set[str] = set()
    for layer in ("core", "adapters", "bot"):
        for path in (REPOSITORY / layer).rglob("*.py"):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    found.add(node.name)
                if isinstance(node, ast.ClassDef):
                    methods = (ast.FunctionDef, ast.AsyncFunctionDef)
                    found |= {f"{node.name}.{member.name}" for member in node.body if isinstance(member, methods)}
    return found


def test_every_class_on_the_map_exists() -> None:
    named = set(re.findall(r"`([A-Z]\w*[a-z]\w*(?:\.\w+)?)`", PAGE)) - PLANNED
    assert len(named) > 50
    assert named - definitions() - {"AnswerSessions.running"} == set()


def test_every_path_on_the_map_exists() -> None:
    paths = set(re.findall(r"`((?:core|bot|adapters|tests)/[\w/]+(?:\.py|/)?)`", PAGE))
    assert [path for path in sorted(paths) if not (REPOSITORY / path).exists()] == []
