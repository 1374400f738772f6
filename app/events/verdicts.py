"""`chat.verdicts`: answers to commands that made no log event."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import decoded
from app.events.ruling import Refusal, Ruling


class Verdict(Struct, kw_only=True):
    """The result of a command: its number in the log, or a refusal.

    `id` is that of the answered attempt, `event_id` that of the log event, which for a repeated
    `client_id` is the id of the first attempt.
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
    """A `chat.verdicts` record; raises `Malformed` with the reason."""
    return decoded(_verdicts, value)
