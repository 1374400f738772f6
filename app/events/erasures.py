"""`chat.erasures`: forgotten users."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import decoded


class Erasure(Struct, frozen=True, kw_only=True):
    """The messages of `user` are erased that lie below `ends` in `chat.log`, by partition.

    Without `ends`, as records of older versions are, those up to `until_ms`. With them the time is
    that of the request, for processes of such a version.
    """

    user: str
    until_ms: int
    ends: tuple[int, ...] = ()


_erasures: Final[Decoder[Erasure]] = Decoder(Erasure)


def decode_erasure(value: bytes | None) -> Erasure:
    """A `chat.erasures` record; raises `Malformed` with the reason."""
    return decoded(_erasures, value)
