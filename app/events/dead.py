"""`chat.dead`: what could not be used."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import decoded


class Dead(Struct, frozen=True, kw_only=True):
    """A record that could not be used, where it stood, and why.

    `key` and `value` are the record's own, as base64 in JSON.
    """

    topic: str
    partition: int
    offset: int
    group: str
    reason: str
    value: bytes
    key: bytes = b""

    @property
    def place(self) -> str:
        """Which record of which group it is: the key in `chat.dead`, and its name for people."""
        return f"{self.topic}/{self.partition}/{self.offset}@{self.group}"


_dead: Final[Decoder[Dead]] = Decoder(Dead)


def decode_dead(value: bytes | None) -> Dead:
    """A `chat.dead` record; raises `Malformed` with what is wrong."""
    return decoded(_dead, value)
