"""The kinds of requests that have a limit of their own; each has a setting `PARLEY_LIMIT_…`."""

from __future__ import annotations

from typing import Final

from app.domain import rate_limit
from app.domain.rate_limit import Rate
from app.settings import Settings


class Kind:
    """What a bucket counts; docs/limits.md says which requests are of which kind.

    No `Enum`: its members are hashed in Python, and every request looks up three.
    """

    #: By address.
    ADDRESS: Final = "address"
    FAILED: Final = "failed"
    #: By person.
    READ: Final = "read"
    SEARCH: Final = "search"
    SEND: Final = "send"
    STATE: Final = "state"
    MANAGE: Final = "manage"
    OPEN: Final = "open"
    DIRECT: Final = "direct"
    CONNECT: Final = "connect"
    POLL: Final = "poll"
    #: By person and room.
    SEND_ROOM: Final = "send_room"
    STATE_ROOM: Final = "state_room"
    #: By the person who is added.
    ADDED: Final = "added"


KINDS: Final = tuple(kind for name, kind in vars(Kind).items() if name.isupper())

#: The kinds of which a person has a limit in each room besides.
IN_ROOM: Final[dict[str, str]] = {Kind.SEND: Kind.SEND_ROOM, Kind.STATE: Kind.STATE_ROOM}


def rates(settings: Settings) -> dict[str, Rate]:
    """The rate of each kind that is limited."""
    found: dict[str, Rate] = {}
    for kind in KINDS if settings.limits else ():
        rate = rate_limit.parse(getattr(settings, f"limit_{kind}"))
        if rate is not None:
            found[kind] = rate.times(settings.limits)
    return found
