"""`chat.receipts`: who has read up to where."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import Natural, decoded


class Receipt(Struct, frozen=True, kw_only=True):
    """`by` has read the room's messages up to `seq`; `id` and `edge` as of a command."""

    room: str
    by: str
    seq: Natural
    id: str
    edge: str = ""


_receipts: Final[Decoder[Receipt]] = Decoder(Receipt)


def decode_receipt(value: bytes | None) -> Receipt:
    """A `chat.receipts` record; raises `Malformed` with what is wrong."""
    return decoded(_receipts, value)
