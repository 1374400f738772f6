"""`chat.verdicts`: answers that are no log event."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import decoded
from app.events.ruling import Refusal, Ruling


class Verdict(Struct, kw_only=True):
    """What became of a command: its place in the log, or a refusal.

    `id` is the attempt that is answered; `event_id` the log event's, which for a repeated
    `client_id` is the first attempt's.
    """

    id: str
    room: str
    by: str
    client_id: str
    edge: str = ""
    event_id: str = ""
    n: int = 0
    seq: int = 0
    repeated: bool = False
    refusal: Refusal | None = None
    ruling: Ruling | None = None
    held: bool = False


_verdicts: Final[Decoder[Verdict]] = Decoder(Verdict)


def decode_verdict(value: bytes | None) -> Verdict:
    """A `chat.verdicts` record; raises `Malformed` with what is wrong."""
    return decoded(_verdicts, value)
