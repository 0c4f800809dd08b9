"""Libraries that only some deployments have."""

from importlib.util import find_spec

from core.errors import SourceReadError

REQUIRED = {"pdf": "pypdfium2", "docx": "mammoth", "rst": "docutils"}
"""Libraries by the extra that brings them, which is named as the format."""


def missing(format_: str) -> str:
    """Return why a format cannot be read; empty if it can."""
    library = REQUIRED.get(format_)
    if library is None or find_spec(library) is not None:
        return ""
    return f"the extra “{format_}” is not installed: pip install 'footnoted[{format_}]'"


def require(format_: str, url: str) -> None:
    """Raise SourceReadError if a format cannot be read."""
    if reason := missing(format_):
        raise SourceReadError(url, reason)
