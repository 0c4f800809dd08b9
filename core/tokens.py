"""Counting tokens: exactly where the model's vocabulary can be had, else by an estimate that errs on the high side."""

import re
from collections.abc import Callable
from functools import partial

import structlog
import tiktoken

log = structlog.get_logger()

Tokens = Callable[[str], int]
"""How many tokens a text has."""

NEWEST_VOCABULARY = "o200k_base"
"""Serves gpt-4o and later; tiktoken does not know the names of models newer than itself."""

_PIECE = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_|\s+")
_WIDE = re.compile(r"[\u0900-\u0fff\u1100-\u11ff\u3000-\u9fff\uac00-\ud7ff\U0001f000-\U0001ffff]")


def estimate(text: str) -> int:
    """At least as many tokens as OpenAI's vocabularies make of ordinary text, usually some 10 to 20 % more.

    A Latin word makes a token for every six letters begun, a number one for every three digits, every other character
    one. Scripts without spaces, and pictures, are counted by their UTF-8 bytes: two bytes a token.
    """
    wide = "".join(_WIDE.findall(text))
    count = -(-len(wide.encode()) // 2)
    for piece in _PIECE.findall(_WIDE.sub("", text) if wide else text):
        if piece.isalpha():
            count += -(-len(piece.encode()) // 6)
        elif piece.isdigit():
            count += -(-len(piece) // 3)
        elif not piece.isspace():
            count += len(piece.encode()) // 2 or 1
        elif len(piece) > 1:
            count += 1
    return count


def load(model: str) -> Tokens:
    """The exact counter of `model`. Its vocabulary is downloaded on first use, which blocks; without network: `estimate`."""
    try:
        encoding = tiktoken.encoding_for_model(model)
    except KeyError:
        return _load_encoding(NEWEST_VOCABULARY)
    except OSError as error:
        return _estimating(error)
    return partial(_count, encoding)


def _load_encoding(name: str) -> Tokens:
    try:
        return partial(_count, tiktoken.get_encoding(name))
    except OSError as error:
        return _estimating(error)


def _estimating(error: OSError) -> Tokens:
    log.warning("tokens are estimated", reason="the vocabulary cannot be downloaded", error=type(error).__name__)
    return estimate


def _count(encoding: tiktoken.Encoding, text: str) -> int:
    # A post may well write about "<|endoftext|>"; it is text there, not a command.
    return len(encoding.encode(text, disallowed_special=()))
