"""Types of settings, with the notations that people write them in."""

import re
from datetime import timedelta
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

PlatformName = Literal["slack", "discord"]
"""Chat platforms; each has a setting `<name>_bot_token` and a builder in `bot.platforms`."""

PLATFORM_NAMES: tuple[PlatformName, ...] = get_args(PlatformName)

MIN_TOKEN_LENGTH = 16
"""Characters; a random token of this length cannot be guessed."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _duration(value: object) -> object:
    """Parse `90s`, `15m`, `12h`, `30d`, `4w` or plain seconds; pydantic parses the rest (ISO 8601)."""
    found = re.fullmatch(r"\s*(\d{1,9})\s*([smhdw]?)\s*", value) if isinstance(value, str) else None
    return timedelta(**{_UNITS[found[2] or "s"]: int(found[1])}) if found else value


def _comma_separated(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _redis_address(value: SecretStr) -> SecretStr:
    if not re.match(r"(rediss?(\+(cluster|sentinel))?|unix)://", value.get_secret_value()):
        raise ValueError(
            "a Redis address begins with redis://, rediss:// or unix://, redis+cluster:// or redis+sentinel://"
        )
    return value


def _matching(pattern: str, expected: str) -> AfterValidator:
    """Return a validator for texts that begin as a pattern says; `expected` is the message for others."""

    def check(value: str) -> str:
        if not re.match(pattern, value):
            raise ValueError(expected)
        return value

    return AfterValidator(check)


def parse_shards(value: object) -> tuple[list[int], int]:
    """Parse `0-3/8` or `0,2/8` into the shard IDs and the number of all shards. Raises ValueError."""
    pattern = r"\s*(\d{1,4}(?:\s*[-,]\s*\d{1,4})*)\s*/\s*(\d{1,4})\s*"
    found = re.fullmatch(pattern, value) if isinstance(value, str) else None
    ids: list[int] = []
    for part in found[1].split(",") if found else ():
        first, _, last = part.partition("-")
        ids.extend(range(int(first), int(last or first) + 1))
    if not found or not ids or len(set(ids)) < len(ids) or max(ids) >= int(found[2]):
        raise ValueError("shards are written as 0-3/8: shards 0 to 3 of 8")
    return ids, int(found[2])


def _token(value: SecretStr) -> SecretStr:
    """Accept what fits into an HTTP header and cannot be guessed."""
    text = value.get_secret_value()
    if len(text) < MIN_TOKEN_LENGTH or not re.fullmatch(r"[!-~]+", text):
        raise ValueError(
            f"a token has at least {MIN_TOKEN_LENGTH} ASCII letters, digits and punctuation marks, and no spaces"
        )
    return value


def _source_name(value: str) -> str:
    """Strip whitespace, as Redis does, and reject control characters, which it uses itself."""
    if not value.strip() or not value.strip().isprintable():
        raise ValueError("a name consists of letters, digits, punctuation marks and spaces")
    return value.strip()


Emoji = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^\S+$")]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)]
Token = Annotated[SecretStr, AfterValidator(_token)]
SourceName = Annotated[str, AfterValidator(_source_name)]
Shards = Annotated[tuple[tuple[int, ...], int], NoDecode, BeforeValidator(parse_shards)]
Duration = Annotated[timedelta, BeforeValidator(_duration), Field(gt=timedelta())]
Snowflake = Annotated[str, _matching(r"[0-9]+\Z", "a Discord ID is a number, such as 112233445566778899")]
Snowflakes = Annotated[tuple[Snowflake, ...], NoDecode, BeforeValidator(_comma_separated)]
PlatformChannel = Annotated[
    str,
    _matching(
        rf"({'|'.join(PLATFORM_NAMES)}):[A-Za-z0-9]+\Z",
        "a channel is written as slack:C0123456789 or discord:112233445566778899",
    ),
]
WebAddress = Annotated[str, _matching(r"https?://[^/\s]", "a web address begins with http:// or https://")]
WebAddresses = Annotated[tuple[WebAddress, ...], NoDecode, BeforeValidator(_comma_separated)]
GatewayAddress = Annotated[str, _matching(r"wss?://[^/\s]", "a gateway address begins with ws:// or wss://")]
RedisAddress = Annotated[SecretStr, AfterValidator(_redis_address)]
