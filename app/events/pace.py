"""`chat.pace`, keyed by user: the times of messages."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import Natural, decoded


class Written(Struct, frozen=True):
    """A user has written a message, in any room."""

    user: str
    at_ms: Natural


_written: Final[Decoder[Written]] = Decoder(Written)


def decode_written(value: bytes | None) -> Written:
    """A `chat.pace` record; raises `Malformed` with the reason."""
    return decoded(_written, value)
