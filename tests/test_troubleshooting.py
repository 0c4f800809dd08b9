"""The messages that the manual explains are the ones that the product says."""

import ast
import re
from functools import reduce
from pathlib import Path

from tests.bot.running import REPOSITORY

PAGE = REPOSITORY / "docs" / "troubleshooting.md"

ELSEWHERE = {"Basic Information", "Install App", "App Manifest", "OOM", "MISCONF", "READONLY"}
"""Names on Slack's pages, and words of Redis."""

PLACEHOLDER = r"…|\b\d[\d.:]*\b|^[A-Z][A-Z_]+(?= is| holds)|footnoted\.toml|\ba page(?= but)|Input should .*"
"""What the page fills in and the product inserts: numbers, a setting, a file, pydantic's reason."""


def texts(path: Path) -> str:
    """All string literals of a module or script; the values in f-strings become `…`."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return source
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            found.append("".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
    return "\n".join(found)


def said() -> str:
    paths = [path for layer in ("core", "adapters", "bot") for path in (REPOSITORY / layer).rglob("*.[pj][ys]")]
    return reduce(lambda text, path: f"{text}\n{texts(path)}", paths, "")


def test_every_message_that_the_manual_explains_is_said() -> None:
    quoted = set(re.findall(r'"([^"\n]{3,})"', re.sub(r"```.*?```", "", PAGE.read_text(encoding="utf-8"), flags=re.S)))
    text = said()
    missing = [
        quote
        for quote in sorted(quoted - ELSEWHERE)
        if not re.search(r"(?:.{1,40}?|…)".join(map(re.escape, re.split(PLACEHOLDER, quote.rstrip(".")))), text)
    ]
    assert len(quoted) > 50
    assert missing == []
