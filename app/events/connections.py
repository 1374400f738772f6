"""`chat.connections`: the opening and closing of streams, and what else presence follows from."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import Natural, decoded

#: Transports of records that are about no connection: an edge's sign of life, and what a user says.
BY_EDGE: Final = "edge"
BY_USER: Final = "user"


class Connection(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stream that `opened` or `closed`: its user, edge and transport, and why it closed.

    In a deployment of several regions edges also say, with the transport `edge`, that they are
    `alive`, in the place of a user; and with the transport `user`, that a user is `away` or `back`.
    """

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
