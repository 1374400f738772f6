"""The load for every server, and its outcome."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

SENDER = "sender"


@dataclass(frozen=True)
class Load:
    """Rooms with their members, the live readers in each, and how it is sent to them."""

    rooms: int
    members: int
    readers: int
    under_way: int
    seconds: float
    warmup: float
    rounds: int

    def others(self, room: int) -> list[str]:
        """The room's members besides the sender; the first `readers` of them read live."""
        return [f"m-{room}-{i}" for i in range(self.members - 1)]

    def live(self, room: int) -> list[str]:
        """The users that read the room live."""
        return self.others(room)[: self.readers]


class Tally:
    """Messages accepted and received since `measure`; earlier ones don't count."""

    def __init__(self) -> None:
        self.indexes = itertools.count()
        self.measure()

    def measure(self) -> None:
        """Count from here, with the next message that is sent."""
        self._first = next(self.indexes) + 1
        self.accepted = 0
        #: Nanoseconds from sending to each reader's receipt.
        self.delays: list[int] = []

    def heard(self, index: int, delay: int) -> None:
        """A reader has received a message after so many nanoseconds."""
        if index >= self._first:
            self.delays.append(delay)


class Peer(Protocol):
    """A server with its rooms, members and live readers in place."""

    name: str

    @property
    def pids(self) -> Mapping[str, int]:
        """Its processes by name."""
        ...

    async def send(self, room: int, index: int) -> None:
        """Send `<index> <monotonic ns>`; returns when the server has accepted it.

        Raises `ParleyError` where it does not.
        """
        ...
