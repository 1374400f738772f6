"""`chat.hooks`: incoming webhooks, by which services outside speak in rooms."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import Natural, decoded


class IncomingHook(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A hook that speaks in `room` as `user`, made by `by`; `name` is for people.

    `digest` is the SHA-256 of its token in hexadecimal digits: nobody reads the token here.
    """

    id: str
    room: str
    user: str
    by: str
    at_ms: Natural
    digest: str
    name: str = ""


_hooks: Final[Decoder[IncomingHook]] = Decoder(IncomingHook)


def decode_hook(value: bytes | None) -> IncomingHook:
    """A `chat.hooks` record; raises `Malformed` with the reason."""
    return decoded(_hooks, value)
