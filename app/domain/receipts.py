"""Read marks, which never go back."""

from __future__ import annotations

from msgspec import Struct


class Read(Struct, frozen=True):
    """A user has read a room up to message `seq`."""

    seq: int


def advance(known: Read | None, seq: int) -> Read | None:
    """The mark after a receipt; `None` if the mark is there or beyond already."""
    return Read(seq) if seq > (known.seq if known is not None else 0) else None
