"""Values of a table with the version that tells which of two is the newer.

A worker that slept may wake up and write what it knew into a changelog, behind what its successor
wrote. The offset in the changelog then says nothing; the version does: it grows with the log of
the room that the value follows.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_VERSION = struct.Struct(">Q")

#: No log reaches this offset: what begins with a higher number is no version of ours.
_MOST = 1 << 48


class Versioned(NamedTuple):
    """A version, and what was written with it; `None` where the key was removed."""

    version: int
    payload: bytes | None


def wrap(version: int, payload: bytes | None) -> bytes:
    """The bytes of a value, or of a removal, which is kept to be newer than what it removed."""
    return _VERSION.pack(version) + (payload or b"")


def unwrap(raw: bytes) -> Versioned:
    """What `wrap` made bytes of. An empty payload is a removal: no value of ours is empty."""
    return Versioned(_VERSION.unpack_from(raw)[0], raw[_VERSION.size :] or None)


def newer(raw: bytes | None, known: bytes | None) -> bool:
    """Whether the one may take the place of the other: it is as new, or newer.

    What nobody has wrapped, a Kafka tombstone say, may not.
    """
    if raw is None or len(raw) < _VERSION.size or unwrap(raw).version > _MOST:
        return False
    return known is None or raw[: _VERSION.size] >= known[: _VERSION.size]
