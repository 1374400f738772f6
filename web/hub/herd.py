"""The same bytes to many connections: in C where that was built, else in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from web.hub.room import Audience

#: Gives the bytes to all of an audience that take bytes at once.
Give = Callable[["Audience", bytes], None]


def giver(native: ModuleType | None) -> Give:
    """What gives bytes to an audience; with the native part a tenth cheaper."""
    if native is None:
        return write_to_all
    send_all = native.send_all

    def send_to_all(audience: Audience, data: bytes) -> None:
        # Nothing waits in these transports, so what goes past them comes in its order; what the
        # kernel did not take is theirs, and they say that they are full.
        for index, taken in send_all(audience.fds, data):
            write_all(audience.writes[index : index + 1], data[taken:])

    return send_to_all


def write_to_all(audience: Audience, data: bytes) -> None:
    """Give bytes by each connection's own `write`."""
    write_all(audience.writes, data)


def write_all(writes: Iterable[Callable[[bytes], None]], data: bytes) -> None:
    """The same bytes to all. One whose connection has just broken is told so by its transport."""
    pending = iter(writes)
    while True:
        try:
            for write in pending:
                write(data)
        except (RuntimeError, OSError):
            continue  # with the one after it: the iterator has moved on
        return
