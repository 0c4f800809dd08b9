"""Unpacking what came over HTTP, within a bound: a few bytes can be unpacked to gigabytes."""

import zlib

ACCEPTED = "gzip, deflate"
"""What servers may pack with: what the standard library unpacks a piece at a time."""

MOST_MEMBERS = 100
_GZIP = b"\x1f\x8b"


class DecompressionLimitError(ValueError):
    """More than the bound comes out."""


class CorruptDataError(ValueError):
    """It was packed otherwise than it says, or not to its end."""


def unpacked(body: bytes, encoding: str, largest: int, cut: bool = False) -> bytes:
    """The body as it was before `encoding`, a Content-Encoding. What is `cut` ends at `largest` bytes or where it is
    damaged. Raises DecompressionLimitError and CorruptDataError."""
    match encoding.strip().lower():
        case "" | "identity":
            return _bounded(body, largest, cut)
        case "gzip" | "x-gzip":
            return _bounded(_inflated(body, 31, largest, cut), largest, cut)
        case "deflate":
            # RFC 9110 §8.4.1.2 means zlib's format; some servers send bare deflate.
            bits = 15 if len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0 else -15
            return _bounded(_inflated(body, bits, largest, cut), largest, cut)
        case other:
            raise CorruptDataError(f"packed with {other[:20]}, which was not asked for")


def unzipped(body: bytes, largest: int) -> bytes:
    """A file that may be a gzip archive. Raises DecompressionLimitError and CorruptDataError."""
    return unpacked(body, "gzip", largest) if body.startswith(_GZIP) else body


def _bounded(body: bytes, largest: int, cut: bool) -> bytes:
    if len(body) > largest and not cut:
        raise DecompressionLimitError
    return body[:largest]


def _inflated(body: bytes, bits: int, largest: int, cut: bool) -> bytes:
    """Up to one byte more than `largest`. An archive may have several members, one behind the other."""
    out = bytearray()
    for _ in range(MOST_MEMBERS):
        unpack = zlib.decompressobj(wbits=bits)
        try:
            out += unpack.decompress(body, largest + 1 - len(out))
        except zlib.error as error:
            if cut:
                break
            raise CorruptDataError("damaged (gzip)" if bits == 31 else "damaged (deflate)") from error
        if len(out) > largest or cut:
            break
        if not unpack.eof:
            raise CorruptDataError("damaged (gzip)" if bits == 31 else "damaged (deflate)")
        body = unpack.unused_data
        if not body.startswith(_GZIP):
            break
    return bytes(out)
