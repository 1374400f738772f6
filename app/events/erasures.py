"""`chat.erasures`: who is forgotten."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import decoded


class Erasure(Struct, frozen=True, kw_only=True):
    """What `user` said up to this time is erased."""

    user: str
    until_ms: int


_erasures: Final[Decoder[Erasure]] = Decoder(Erasure)


def decode_erasure(value: bytes | None) -> Erasure:
    """A `chat.erasures` record; raises `Malformed` with what is wrong."""
    return decoded(_erasures, value)
