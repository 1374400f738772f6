"""`chat.moderated`: commands with their rulings or refusals."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import Natural, decoded
from app.events.position import Source
from app.events.raw import AnyCommand
from app.events.ruling import Refusal, Ruling


class Moderated(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A moderated command: `src` is its offset in `chat.raw`, of this `origin`; `at_ms` its time.

    If `ruling` masks, the command has the masked text.
    """

    src: Natural
    at_ms: Natural
    command: AnyCommand
    refusal: Refusal | None = None
    ruling: Ruling | None = None
    origin: Natural = 0

    @property
    def source(self) -> Source:
        """The place of the command, in the order of decisions."""
        return Source(self.origin, self.src)


_moderated: Final[Decoder[Moderated]] = Decoder(Moderated)


def decode_moderated(value: bytes | None) -> Moderated:
    """A `chat.moderated` record; raises `Malformed` with the reason."""
    return decoded(_moderated, value)
