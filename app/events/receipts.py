"""`chat.receipts`: read receipts."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import Natural, decoded


class Receipt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`by` has read the room's messages up to `seq`; `id` and `edge` as in a command.

    `epoch` is the epoch of the log in which the message had that number.
    """

    room: str
    by: str
    seq: Natural
    id: str
    edge: str = ""
    epoch: Natural = 0


_receipts: Final[Decoder[Receipt]] = Decoder(Receipt)


def decode_receipt(value: bytes | None) -> Receipt:
    """A `chat.receipts` record; raises `Malformed` with the reason."""
    return decoded(_receipts, value)
