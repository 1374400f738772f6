"""`chat.connections`: the opening and closing of streams."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import Natural, decoded


class Connection(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stream that `opened` or `closed`: its user, edge and transport, and why it closed."""

    user: str
    what: str
    edge: str
    connection: str
    transport: str
    at_ms: Natural
    why: str = ""


_connections: Final[Decoder[Connection]] = Decoder(Connection)


def decode_connection(value: bytes | None) -> Connection:
    """A `chat.connections` record; raises `Malformed` with the reason."""
    return decoded(_connections, value)
