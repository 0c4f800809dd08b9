"""The search index over an edition's passages, and the hash that a passage is."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from redis.asyncio import Redis
from redis.commands.search.field import NumericField, TagField, TextField, VectorField
from redis.commands.search.index_definition import IndexDefinition, IndexType
from redis.exceptions import ResponseError
from redis.typing import EncodableT, FieldT

from core.domain import Passage
from core.models.protocols import Vectors
from core.storage import keys
from core.storage.connection import as_text

Algorithm = Literal["FLAT", "HNSW"]
Precision = Literal["FLOAT32", "FLOAT16"]

HNSW_FROM = 20_000
"""Passages from which on an approximate index pays: measured with 1536 dimensions, an exact search takes 3.4 ms at
10,000 and 29 ms at 100,000 passages; HNSW 1.3 and 1.5 ms, after a build of 12 s and 276 s."""

_HNSW = {"M": 16, "EF_CONSTRUCTION": 200, "EF_RUNTIME": 100}
Fields = dict[FieldT, EncodableT]
"""A hash's fields, in the words of redis-py."""

_BYTES: dict[Precision, str] = {"FLOAT32": "<f4", "FLOAT16": "<f2"}


# Signs beyond ASCII mean nothing to the parser, and a backslash before one would be searched for.
_SIGN = re.compile(r"[^\w\x80-\U0010ffff]", re.ASCII)


@dataclass(frozen=True, slots=True)
class VectorSpec:
    """What every vector of an edition has in common. Two shapes never share an index."""

    model: str
    dimensions: int
    precision: Precision = "FLOAT32"

    def blob(self, vector: Vectors) -> bytes:
        """One vector as Redis wants it: little-endian, `dimensions` long."""
        return vector.astype(_BYTES[self.precision]).tobytes()

    def vector(self, blob: bytes) -> Vectors:
        """The reverse of `blob`."""
        return np.frombuffer(blob, _BYTES[self.precision]).astype(np.float32)


async def create_index(redis: Redis, edition: int, shape: VectorSpec, algorithm: Algorithm) -> str:
    """Makes an index over whatever hashes the edition has and will have; its name. It fills in the background."""
    name = keys.index(edition, algorithm)
    options = {"TYPE": shape.precision, "DIM": shape.dimensions, "DISTANCE_METRIC": "COSINE"}
    await redis.ft(name).create_index(
        [
            TextField("title"),
            TextField("heading"),
            TextField("text"),
            TagField("url", separator="\x1f", case_sensitive=True),
            TagField("source", separator="\x1f", case_sensitive=True),
            NumericField("published", sortable=True),
            VectorField("embedding", algorithm, {**options, **(_HNSW if algorithm == "HNSW" else {})}),
        ],
        definition=IndexDefinition(prefix=[keys.passage_prefix(edition)], index_type=IndexType.HASH),
        stopwords=[],
    )
    return name


async def point_alias(redis: Redis, index: str) -> None:
    """Makes `posts` mean this index, in one step."""
    await redis.ft(index).aliasupdate(keys.POSTS)


async def index_info(redis: Redis, index: str) -> dict[str, object]:
    """What FT.INFO says of an index."""
    return as_mapping(await redis.execute_command("FT.INFO", index))


async def live_index(redis: Redis) -> str | None:
    """The index behind `posts`, or None when nothing has been read yet."""
    try:
        info = await index_info(redis, keys.POSTS)
    except ResponseError as error:
        if no_such_index(error):
            return None
        raise
    return str(info["index_name"])


def no_such_index(error: ResponseError) -> bool:
    """Whether Redis says that an index or an alias is not there."""
    # The wording belongs to the server's version; every known one says one of these.
    return any(words in str(error).lower() for words in ("unknown index", "no such index", "not found"))


def as_mapping(reply: object) -> dict[str, object]:
    """A reply of name-value pairs, which RESP2 sends as a flat list and RESP3 as a map."""
    pairs = reply.items() if isinstance(reply, dict) else zip(*[iter(reply)] * 2, strict=True)  # type: ignore[call-overload]
    return {as_text(name): as_text(value) if isinstance(value, bytes) else value for name, value in pairs}


def source_filter(sources: Iterable[str] | None) -> str:
    """The clause that keeps a search to these sources; nothing for all of them. Names may hold any sign but those of
    control, and begin and end with none that is blank: Redis takes these off."""
    if sources is None:
        return ""
    escaped = "|".join(_SIGN.sub(r"\\\g<0>", source) for source in sorted(sources))
    # A source with few posts is rare, and would lend its rarity to them.
    return f"@source:{{{escaped}}}=>{{$weight: 0}}"


def digest_of(passage: Passage) -> str:
    """The same for passages with the same text, and so with the same vector."""
    return hashlib.sha256(passage.embedding_text.encode()).hexdigest()[:32]


def to_hash(passage: Passage, vector: Vectors, shape: VectorSpec) -> Fields:
    """The fields of a passage's hash."""
    fields: Fields = {
        "url": passage.url,
        "title": passage.title,
        "heading": passage.heading,
        "text": passage.text,
        "source": passage.source,
        "position": passage.position,
        "digest": digest_of(passage),
        "embedding": shape.blob(vector),
    }
    if passage.published:
        fields["published"] = passage.published.timestamp()
    return fields


HASH_FIELDS = ("url", "title", "heading", "text", "source", "position", "published")


def from_hash(values: list[bytes | None]) -> Passage | None:
    """The passage of a hash, from the values of `HASH_FIELDS`; None for a hash that has gone meanwhile."""
    url, title, heading, text, source, position, published = (value.decode() if value else "" for value in values)
    if not url:
        return None
    return Passage(
        url=url,
        title=title or url,
        heading=heading,
        text=text,
        source=source,
        position=int(position or 0),
        published=datetime.fromtimestamp(float(published), UTC) if published else None,
    )
