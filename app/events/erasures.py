"""`chat.erasures`: forgotten users."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import decoded


class Erasure(Struct, frozen=True, kw_only=True):
    """The messages of `user` up to this time are erased."""

    user: str
    until_ms: int


_erasures: Final[Decoder[Erasure]] = Decoder(Erasure)


def decode_erasure(value: bytes | None) -> Erasure:
    """A `chat.erasures` record; raises `Malformed` with the reason."""
    return decoded(_erasures, value)
