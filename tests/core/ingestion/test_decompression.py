"""Compressed bodies are decompressed within limits."""

import gzip
import zlib
from time import process_time

import pytest

from core.ingestion.decompression import CorruptDataError, DecompressionLimitError, decompress, gunzip

WORDS = b"<p>Words.</p>" * 1_000


def bare_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def test_all_gzip_and_deflate_variants_are_decompressed() -> None:
    several = b"".join(gzip.compress(WORDS[at : at + 1_300]) for at in range(0, len(WORDS), 1_300))
    assert gunzip(several, len(WORDS)) == WORDS
    assert gunzip(gzip.compress(WORDS) + b"\x00" * 50, len(WORDS)) == WORDS
    assert decompress(bare_deflate(WORDS), "deflate", len(WORDS)) == WORDS
    assert decompress(WORDS, "", len(WORDS)) == WORDS
    with pytest.raises(DecompressionLimitError):
        gunzip(several, len(WORDS) - 1)
    with pytest.raises(CorruptDataError):
        gunzip(several[:-1], len(WORDS))


def test_archive_of_countless_members_is_read_quickly() -> None:
    began = process_time()
    gunzip(gzip.compress(b"", mtime=0) * 500_000, 20 * 1024 * 1024)
    assert process_time() - began < 5


@pytest.mark.parametrize("largest", [0, 1, 1_000, len(WORDS)])
def test_truncated_body_is_read_up_to_the_limit(largest: int) -> None:
    assert decompress(WORDS, "", largest, truncate=True) == WORDS[:largest]
    assert decompress(gzip.compress(WORDS), "gzip", largest, truncate=True) == WORDS[:largest]
    assert decompress(b"no archive", "gzip", largest, truncate=True) == b""
