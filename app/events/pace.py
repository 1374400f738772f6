"""`chat.pace`, keyed by user: who writes how often."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import Natural, decoded


class Written(Struct, frozen=True):
    """`chat.pace`, keyed by user: somebody has written a message, somewhere."""

    user: str
    at_ms: Natural


_written: Final[Decoder[Written]] = Decoder(Written)


def decode_written(value: bytes | None) -> Written:
    """A `chat.pace` record; raises `Malformed` with what is wrong."""
    return decoded(_written, value)
