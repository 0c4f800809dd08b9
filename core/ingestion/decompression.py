"""Decompression of HTTP bodies within a size limit, since a few bytes can expand to gigabytes."""

import zlib

ACCEPT_ENCODING = "gzip, deflate"
"""What the standard library can decompress incrementally."""

MAX_MEMBERS = 100
_GZIP = b"\x1f\x8b"


class DecompressionLimitError(ValueError):
    """The data expands beyond the limit."""


class CorruptDataError(ValueError):
    """The data is truncated, or not compressed as declared; the message is the reason shown to admins."""


def decompress(body: bytes, encoding: str, limit: int, truncate: bool = False) -> bytes:
    """Undo a Content-Encoding. With `truncate`, stop at `limit` bytes or where the data is damaged; otherwise raise
    DecompressionLimitError and CorruptDataError."""
    match encoding.strip().lower():
        case "" | "identity":
            return _bounded(body, limit, truncate)
        case "gzip" | "x-gzip":
            return _bounded(_inflate(body, 31, limit, truncate), limit, truncate)
        case "deflate":
            # RFC 9110 §8.4.1.2 means the zlib format; some servers send raw deflate.
            bits = 15 if len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0 else -15
            return _bounded(_inflate(body, bits, limit, truncate), limit, truncate)
        case other:
            raise CorruptDataError(f"it is compressed with {other[:20]}, which was not requested")


def gunzip(body: bytes, limit: int) -> bytes:
    """Decompress a file if it is a gzip archive. Raises DecompressionLimitError and CorruptDataError."""
    return decompress(body, "gzip", limit) if body.startswith(_GZIP) else body


def _bounded(body: bytes, limit: int, truncate: bool) -> bytes:
    if len(body) > limit and not truncate:
        raise DecompressionLimitError
    return body[:limit]


def _inflate(body: bytes, bits: int, limit: int, truncate: bool) -> bytes:
    """Inflate up to one byte more than `limit`. A gzip archive may have several members."""
    damaged = CorruptDataError(f"its {'gzip' if bits == 31 else 'deflate'} data is damaged")
    out = bytearray()
    for _ in range(MAX_MEMBERS):
        inflater = zlib.decompressobj(wbits=bits)
        try:
            out += inflater.decompress(body, limit + 1 - len(out))
        except zlib.error as error:
            if truncate:
                break
            raise damaged from error
        if len(out) > limit or truncate:
            break
        if not inflater.eof:
            raise damaged
        body = inflater.unused_data
        if not body.startswith(_GZIP):
            break
    return bytes(out)
