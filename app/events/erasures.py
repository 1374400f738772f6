"""`chat.erasures`: forgotten users."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import decoded


class Erasure(Struct, frozen=True, kw_only=True):
    """The messages of `user` are erased that lie below `ends` in `chat.log`, by partition.

    `epochs` are those of the log's partitions at that time: what a later epoch has below an end is
    of another past. Records of before have none; there the times tell which came first.

    Without `ends`, as records of older versions are, those up to `until_ms`. With them the time is
    that of the request, for processes of such a version.
    """

    user: str
    until_ms: int
    ends: tuple[int, ...] = ()
    epochs: tuple[int, ...] = ()


_erasures: Final[Decoder[Erasure]] = Decoder(Erasure)


def decode_erasure(value: bytes | None) -> Erasure:
    """A `chat.erasures` record; raises `Malformed` with the reason."""
    return decoded(_erasures, value)
