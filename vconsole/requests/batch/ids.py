"""A set of ids in a few bytes each: eight for its hash, one for what is known of it.

Python's own set of a million ids takes 150 MB. Two ids of the same hash of 64 bits would be taken
for one: among a million that happens once in 30 million batches.
"""

from __future__ import annotations

import sys
from array import array

MASK_64 = (1 << 64) - 1
SMALLEST = 1 << 10


class IdTable:
    """Ids with a small number each; open addressing, at most half full."""

    def __init__(self, expected: int = 0) -> None:
        size = SMALLEST
        while size < expected * 2 + 2:
            size *= 2
        self._reset(size)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def get(self, key: str) -> int:
        """What was put for the id, 0 where nothing was."""
        return self._values[self._place(_hash(key))]

    def put(self, key: str, value: int) -> None:
        """Note a number from 1 to 255 for the id."""
        hashed = _hash(key)
        at = self._place(hashed)
        if not self._values[at]:
            if self._count * 2 >= len(self._values):
                self._grow()
                at = self._place(hashed)
            self._count += 1
        self._hashes[at] = hashed
        self._values[at] = value

    @property
    def size_bytes(self) -> int:
        return sys.getsizeof(self._hashes) + sys.getsizeof(self._values)

    def _reset(self, size: int) -> None:
        self._hashes = array("Q", bytes(8 * size))
        self._values = bytearray(size)
        self._last = size - 1

    def _place(self, hashed: int) -> int:
        hashes, values, last = self._hashes, self._values, self._last
        at = hashed & last
        while values[at] and hashes[at] != hashed:
            at = (at + 1) & last
        return at

    def _grow(self) -> None:
        old_hashes, old_values = self._hashes, self._values
        self._reset(len(old_values) * 2)
        for hashed, value in zip(old_hashes, old_values, strict=True):
            if value:
                at = self._place(hashed)
                self._hashes[at], self._values[at] = hashed, value


def _hash(key: str) -> int:
    return hash(key) & MASK_64
