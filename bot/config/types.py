"""The kinds of values that settings have: durations, lists, addresses, as people write them."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

SHORTEST_TOKEN = 16
"""Characters: at random, they take more guesses than anybody can make."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _duration(value: object) -> object:
    """`90s`, `15m`, `12h`, `30d`, `4w`; a number alone means seconds; the rest is left to pydantic (ISO 8601)."""
    found = re.fullmatch(r"\s*(\d{1,9})\s*([smhdw]?)\s*", value) if isinstance(value, str) else None
    return timedelta(**{_UNITS[found[2] or "s"]: int(found[1])}) if found else value


def _listed(value: object) -> object:
    """`a, b` as well as a list."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _web_address(value: str) -> str:
    if not re.match(r"https?://[^/\s]", value):
        raise ValueError("a web address begins with http:// or https://")
    return value


def _redis_address(value: str) -> str:
    if not re.match(r"(rediss?(\+(cluster|sentinel))?|unix)://", value):
        raise ValueError(
            "an address of Redis begins with redis://, rediss:// or unix://, redis+cluster:// or redis+sentinel://"
        )
    return value


def _gateway_address(value: str) -> str:
    if not re.match(r"wss?://[^/\s]", value):
        raise ValueError("an address of a gateway begins with ws:// or wss://")
    return value


def _snowflake(value: str) -> str:
    if not value.isascii() or not value.isdigit():
        raise ValueError("an id of Discord is a number, such as 112233445566778899")
    return value


def _channel_of_platform(value: str) -> str:
    if not re.fullmatch(r"(slack|discord):[A-Za-z0-9]+", value):
        raise ValueError("a channel is written slack:C0123456789 or discord:112233445566778899")
    return value


def shards_of(value: str) -> tuple[tuple[int, ...], int]:
    """`0-3/8` or `0,2/8`: which shards, of how many."""
    found = re.fullmatch(r"\s*(\d{1,4}(?:\s*[-,]\s*\d{1,4})*)\s*/\s*(\d{1,4})\s*", value)
    ids: list[int] = []
    for part in found[1].split(",") if found else ():
        first, _, last = part.partition("-")
        ids.extend(range(int(first), int(last or first) + 1))
    if not found or not ids or len(set(ids)) < len(ids) or max(ids) >= int(found[2]):
        raise ValueError("shards are written as 0-3/8: those from 0 to 3, of 8")
    return tuple(ids), int(found[2])


def _shards(value: str) -> str:
    shards_of(value)
    return value


def _token(value: SecretStr) -> SecretStr:
    """It stands in a header of HTTP, and nobody may guess it."""
    text = value.get_secret_value()
    if len(text) < SHORTEST_TOKEN or not re.fullmatch(r"[!-~]+", text):
        raise ValueError(f"a token has {SHORTEST_TOKEN} or more letters, digits and signs of ASCII, and no blanks")
    return value


def _source_name(value: str) -> str:
    """Redis takes blanks off the ends of a name, and keeps signs of control for itself."""
    if not value.strip() or not value.strip().isprintable():
        raise ValueError("a name has letters, digits, signs and blanks")
    return value.strip()


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
ChannelOfPlatform = Annotated[str, AfterValidator(_channel_of_platform)]
Token = Annotated[SecretStr, AfterValidator(_token)]
GatewayAddress = Annotated[str, AfterValidator(_gateway_address)]
SourceName = Annotated[str, AfterValidator(_source_name)]
Shards = Annotated[str, AfterValidator(_shards)]
Duration = Annotated[timedelta, BeforeValidator(_duration), Field(gt=timedelta())]
Snowflakes = Annotated[tuple[Annotated[str, AfterValidator(_snowflake)], ...], NoDecode, BeforeValidator(_listed)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
RedisAddress = Annotated[SecretStr, AfterValidator(lambda url: SecretStr(_redis_address(url.get_secret_value())))]
WebAddresses = Annotated[tuple[WebAddress, ...], NoDecode, BeforeValidator(_listed)]
