"""What travels inside the page: bytes, compressed, curves that repeat stored once."""

import math
import zlib

import numpy as np

__all__ = ["Rows", "pack"]


class Rows:
    """Rows of float32, each stored once; column j rounded to ``digits[j]`` significant digits (None: all)."""

    def __init__(self, digits):
        drop = [0 if d is None else 23 - min(23, math.ceil(d * math.log2(10))) for d in digits]
        self._drop = np.array(drop, np.uint64)[:, None]
        self._seen = {}

    def add(self, block):
        """Store the rows of ``block``; return where each of them stands."""
        with np.errstate(over="ignore"):
            block = block.astype("<f4")
        one = np.uint64(1)
        bits = block.view(np.uint32).astype(np.uint64) + ((one << self._drop) >> one)
        rounded = ((bits >> self._drop) << self._drop).astype(np.uint32).view("<f4")
        block = np.where(np.isfinite(rounded) & np.isfinite(block), rounded, block)
        return [self._seen.setdefault(row.tobytes(), len(self._seen)) for row in block]

    def rows(self):
        lengths = {len(row) for row in self._seen}
        if len(lengths) > 1:
            raise ValueError(
                f"x has {sorted(n // 4 for n in lengths)} points for different controls; pad with NaN to one length"
            )
        return np.frombuffer(b"".join(self._seen), dtype="<f4").reshape(len(self._seen), -1)


def pack(blobs):
    """Join and compress the blobs; their layout is [name, bytes]."""
    parts = {k: v if isinstance(v, bytes) else np.ascontiguousarray(v, "<u4").tobytes() for k, v in blobs.items()}
    return zlib.compress(b"".join(parts.values()), 9), [[name, len(part)] for name, part in parts.items()]
