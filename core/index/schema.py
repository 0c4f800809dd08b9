"""The schema of the search index: its fields, its aliases, and the hash that stores a passage."""

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
from core.language.terms import terms_by_sentence
from core.models.protocols import Vectors
from core.storage import keys

Algorithm = Literal["FLAT", "HNSW"]
Precision = Literal["FLOAT32", "FLOAT16"]

HNSW_FROM = 20_000
"""Passages from which an approximate index pays off. Measured with 1536 dimensions at 10,000 and 100,000 passages: an
exact search takes 3.4 and 29 ms, HNSW 1.3 and 1.5 ms after a build of 12 and 276 s."""

UNKNOWN_LANGUAGE = "und"

ANALYSIS = "2"
"""Version of the analysis in `core.language`, in the metadata. Raise it when terms change: indexes are upgraded."""

_HNSW = {"M": 16, "EF_CONSTRUCTION": 200, "EF_RUNTIME": 100}
Fields = dict[FieldT, EncodableT]
"""A hash's fields as redis-py types them."""

_BYTES: dict[Precision, str] = {"FLOAT32": "<f4", "FLOAT16": "<f2"}


# Only ASCII: other characters have no meaning for the parser, and a backslash before one would be searched for.
_PUNCTUATION = re.compile(r"[^\w\x80-\U0010ffff]", re.ASCII)


@dataclass(frozen=True, slots=True)
class VectorSpec:
    """The model, dimensions and precision of an index version's vectors. Vectors of two specs never share an index."""

    model: str
    dimensions: int
    precision: Precision = "FLOAT32"

    def blob(self, vector: Vectors) -> bytes:
        """Encode one vector as Redis expects it: little-endian, `dimensions` long."""
        return vector.astype(_BYTES[self.precision]).tobytes()

    def vector(self, blob: bytes) -> Vectors:
        return np.frombuffer(blob, _BYTES[self.precision]).astype(np.float32)


async def create_index(redis: Redis, number: int, spec: VectorSpec, algorithm: Algorithm) -> str:
    """Create an index over a version's hashes, present and future, and return its name; it fills in the background."""
    name = keys.index(number, algorithm)
    options = {"TYPE": spec.precision, "DIM": spec.dimensions, "DISTANCE_METRIC": "COSINE"}
    await redis.ft(name).create_index(
        [
            TextField("title"),
            TextField("terms", no_stem=True),
            TagField("language"),
            TagField("url", separator="\x1f", case_sensitive=True),
            TagField("source", separator="\x1f", case_sensitive=True),
            NumericField("published", sortable=True),
            VectorField("embedding", algorithm, {**options, **(_HNSW if algorithm == "HNSW" else {})}),
        ],
        definition=IndexDefinition(prefix=[keys.passage_prefix(number)], index_type=IndexType.HASH),
        stopwords=[],
    )
    return name


async def point_alias(redis: Redis, index: str) -> None:
    """Point the alias `posts` at this index, atomically."""
    await redis.ft(index).aliasupdate(keys.POSTS)


async def index_info(redis: Redis, index: str) -> dict[str, object]:
    """Return the reply of FT.INFO."""
    return dict(await redis.ft(index).info())


async def live_index(redis: Redis) -> str | None:
    """Return the index behind the alias `posts`, or None before the first publication."""
    info = await live_index_info(redis)
    return str(info["index_name"]) if info else None


async def live_index_info(redis: Redis) -> dict[str, object] | None:
    """Return the reply of FT.INFO for the index behind the alias `posts`, or None before the first publication."""
    try:
        return await index_info(redis, keys.POSTS)
    except ResponseError as error:
        if no_such_index(error):
            return None
        raise


def no_such_index(error: ResponseError) -> bool:
    """Return whether Redis reports a missing index or alias."""
    # An ordinary error reply whose wording depends on the server's version.
    return any(wording in str(error).lower() for wording in ("unknown index", "no such index", "index not found"))


def source_filter(sources: Iterable[str] | None) -> str:
    """Return the query clause that restricts a search to these sources, empty for all of them.

    Names may contain any character except control characters, and no blank at either end, which Redis strips.
    """
    if sources is None:
        return ""
    escaped = "|".join(_PUNCTUATION.sub(r"\\\g<0>", source) for source in sorted(sources))
    # Without weight 0, a source with few posts would add its own rarity to their scores.
    return f"@source:{{{escaped}}}=>{{$weight: 0}}"


def digest_of(passage: Passage) -> str:
    """Return a digest that is the same for passages with the same embedding."""
    return hashlib.sha256(passage.embedding_text.encode()).hexdigest()[:32]


def analyzed(passage: Passage) -> Fields:
    """Return the fields that searches by words use: the passage's terms, title and heading first, and its language."""
    head = " ".join(filter(None, (passage.title, passage.heading, passage.author)))
    language = passage.language or UNKNOWN_LANGUAGE
    return {"terms": terms_by_sentence(head, passage.text, passage.language), "language": language}


def to_hash(passage: Passage, vector: Vectors, spec: VectorSpec) -> Fields:
    """Convert a passage to the fields of its hash."""
    fields: Fields = {
        "url": passage.url,
        "title": passage.title,
        "heading": passage.heading,
        "text": passage.text,
        "source": passage.source,
        "position": passage.position,
        **analyzed(passage),
        "digest": digest_of(passage),
        "embedding": spec.blob(vector),
    }
    if passage.published:
        fields["published"] = passage.published.timestamp()
    if passage.author:
        fields["author"] = passage.author
    if passage.page:
        fields["page"] = passage.page
    return fields


HASH_FIELDS = ("url", "title", "heading", "text", "source", "position", "published", "language", "author", "page")


def from_hash(values: list[bytes | None]) -> Passage | None:
    """Convert the values of `HASH_FIELDS` to a passage, or None if the hash has been deleted."""
    url, title, heading, text, source, position, published, language, author, page = (
        value.decode() if value else "" for value in values
    )
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
        language="" if language == UNKNOWN_LANGUAGE else language,
        author=author,
        page=int(page or 0),
    )
