"""What is packed is unpacked within bounds, whatever its habits."""

import gzip
import zlib
from time import process_time

import pytest

from core.ingestion.decompression import CorruptDataError, DecompressionLimitError, unpacked, unzipped

WORDS = b"<p>Words.</p>" * 1_000


def bare_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def test_archives_of_all_habits_are_unpacked() -> None:
    several = b"".join(gzip.compress(WORDS[at : at + 1_300]) for at in range(0, len(WORDS), 1_300))
    assert unzipped(several, len(WORDS)) == WORDS
    assert unzipped(gzip.compress(WORDS) + b"\x00" * 50, len(WORDS)) == WORDS
    assert unpacked(bare_deflate(WORDS), "deflate", len(WORDS)) == WORDS
    assert unpacked(WORDS, "", len(WORDS)) == WORDS
    with pytest.raises(DecompressionLimitError):
        unzipped(several, len(WORDS) - 1)
    with pytest.raises(CorruptDataError):
        unzipped(several[:-1], len(WORDS))


def test_an_archive_of_a_million_members_takes_no_time() -> None:
    began = process_time()
    unzipped(gzip.compress(b"", mtime=0) * 500_000, 20 * 1024 * 1024)
    assert process_time() - began < 5


@pytest.mark.parametrize("largest", [0, 1, 1_000, len(WORDS)])
def test_what_is_cut_is_read_up_to_there(largest: int) -> None:
    assert unpacked(WORDS, "", largest, cut=True) == WORDS[:largest]
    assert unpacked(gzip.compress(WORDS), "gzip", largest, cut=True) == WORDS[:largest]
    assert unpacked(b"no archive", "gzip", largest, cut=True) == b""
