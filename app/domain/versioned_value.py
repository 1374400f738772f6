"""Values of a table with a version that decides which of two is newer.

A worker that slept may wake up and write old values into a changelog, behind those of its
successor. So the offset in the changelog does not decide, but the version, which grows with the log
of the value's room. Where that log lost its end, an epoch begins, and every version in it is above
those of the epochs before: the lost events' values must not stay.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

_VERSION = struct.Struct(">Q")

#: The bits of a version below its epoch. No log reaches this offset.
_NUMBER_BITS = 48

#: This number and higher ones are not versions: there are at most 4,096 epochs.
_MAX_VERSION = 1 << (_NUMBER_BITS + 12)


#: The key of the position up to which a partition of a table stands. No key of a room begins so.
POSITION_KEY: Final = b"\0position"


class Versioned(NamedTuple):
    """A version and its payload; `None` if the key was removed."""

    version: int
    payload: bytes | None


def version_of(epoch: int, number: int) -> int:
    """The version of a value that follows from event or position `number` of an epoch."""
    return epoch << _NUMBER_BITS | number


def wrap(version: int, payload: bytes | None) -> bytes:
    """The bytes of a value, or of a removal, which has a version, too."""
    return _VERSION.pack(version) + (payload or b"")


def unwrap(raw: bytes) -> Versioned:
    """The inverse of `wrap`. An empty payload is a removal: no encoded value is empty."""
    return Versioned(_VERSION.unpack_from(raw)[0], raw[_VERSION.size :] or None)


def newer(raw: bytes | None, known: bytes | None) -> bool:
    """Whether `raw` may replace `known`: it is as new, or newer.

    A value without a version, such as a Kafka tombstone, may not.
    """
    if raw is None or len(raw) < _VERSION.size or unwrap(raw).version >= _MAX_VERSION:
        return False
    return known is None or raw[: _VERSION.size] >= known[: _VERSION.size]
