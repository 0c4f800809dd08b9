"""Transport compression of the gateway: one stream per connection, flushed after each message."""

import importlib
import zlib
from collections.abc import Callable
from typing import Any

Compress = Callable[[bytes], bytes]


def compression(name: str | None) -> Compress | None:
    """Return a compressor for `zlib-stream` or `zstd-stream`, or None if the name is unknown or its package missing."""
    if name == "zlib-stream":
        stream = zlib.compressobj()
        return lambda data: stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH)
    if name == "zstd-stream":
        return _zstd()
    return None


def _zstd() -> Compress | None:
    """Return a zstd compressor of the standard library (3.14), else of the `zstandard` package."""
    for module in ("compression.zstd", "zstandard"):
        try:
            zstd: Any = importlib.import_module(module)
        except ImportError:
            continue
        stream = zstd.ZstdCompressor() if module == "compression.zstd" else zstd.ZstdCompressor().compressobj()
        flush = stream.FLUSH_BLOCK if module == "compression.zstd" else zstd.COMPRESSOBJ_FLUSH_BLOCK
        return lambda data: bytes(stream.compress(data) + stream.flush(flush))
    return None
