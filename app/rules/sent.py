"""The ring of client ids that somebody used last in a room, each with the place it got.

It is what makes a repeated send keep its number. It is bytes, because it is written to the
changelog with every message: 32 bytes an entry, 64 entries.
"""

from __future__ import annotations

import struct
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

#: Client ids remembered for each person and room. A client that tries again does so within
#: seconds; 64 messages of one person in one room are minutes at least.
RING = 64

_ENTRY = struct.Struct(">8sII16s")


class Sent(NamedTuple):
    """The place of an event in its room's log; `seq` is 0 for what is no message."""

    n: int
    seq: int
    event_id: str


def _digest(client_id: str) -> bytes:
    return blake2b(client_id.encode(), digest_size=8).digest()


def find(ring: bytes, client_id: str) -> Sent | None:
    """Where the client id went, or `None` where the ring does not hold it."""
    wanted = _digest(client_id)
    for offset in range(0, len(ring), _ENTRY.size):
        if ring.startswith(wanted, offset):
            _, n, seq, raw = _ENTRY.unpack_from(ring, offset)
            return Sent(n, seq, str(UUID(bytes=raw)))
    return None


def remember(ring: bytes, client_id: str, sent: Sent) -> bytes:
    """The ring with one more entry; the oldest falls out."""
    raw = UUID(sent.event_id).bytes
    entry = _ENTRY.pack(_digest(client_id), sent.n, sent.seq, raw)
    return (ring + entry)[-RING * _ENTRY.size :]
