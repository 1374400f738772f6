"""`chat.moderated`: the wish with its verdict."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import Natural, decoded
from app.events.raw import AnyCommand
from app.events.ruling import Refusal, Ruling


class Moderated(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A command that moderation has seen: `src` is its offset in `chat.raw`, `at_ms` its time.

    Where `ruling` masks, the command has the masked text already.
    """

    src: Natural
    at_ms: Natural
    command: AnyCommand
    refusal: Refusal | None = None
    ruling: Ruling | None = None


_moderated: Final[Decoder[Moderated]] = Decoder(Moderated)


def decode_moderated(value: bytes | None) -> Moderated:
    """A `chat.moderated` record; raises `Malformed` with what is wrong."""
    return decoded(_moderated, value)
