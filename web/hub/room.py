"""A room that somebody reads at this edge, and who hears it."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import NamedTuple

from app.delivery import keys
from web.hub.subscriber import Reader
from web.hub.user import Person
from web.server.seat import Row, rows


class Audience(NamedTuple):
    """A room's readers: those that take bytes at once, by their `write`, and the others.

    `fds` are the sockets of the former, in the same order. Polls that have a seat are among the
    others by the row. `everyone` is all readers.
    """

    writes: tuple[Callable[[bytes], None], ...]
    fds: array[int]
    others: tuple[Reader | Row, ...]
    everyone: tuple[Reader, ...]


class Room:
    """A room; `n` is `None` until the first event or mark, `offset` that of its newest event.

    Where an event was lost for good, `offset` may lie behind it, never before it.
    """

    __slots__ = ("_audience", "channel", "n", "name", "offset", "partition", "people")

    def __init__(self, name: str, partition: int) -> None:
        self.name = name
        self.partition = partition
        self.channel = keys.channel(partition, name).encode()
        self.n: int | None = None
        self.offset = -1
        self.people: set[Person] = set()
        self._audience: Audience | None = None

    def forget_audience(self) -> None:
        """Look again who is there when the next event comes."""
        self._audience = None

    def add(self, person: Person) -> None:
        """The person gets the room from here on."""
        self.people.add(person)
        self._audience = None

    def discard(self, person: Person) -> None:
        """The person gets it no longer."""
        self.people.discard(person)
        self._audience = None

    def audience(self) -> Audience:
        """Who hears the room now; kept until something changes, as most events change nothing."""
        if self._audience is None:
            everyone = tuple(reader for person in self.people for reader in person.readers)
            writes = tuple(reader.write for reader in everyone if reader.write is not None)
            fds = array("i", [reader.fd for reader in everyone if reader.write is not None])
            seated = rows(reader.seat for reader in everyone if reader.seat is not None)
            others = tuple(
                reader for reader in everyone if reader.write is None and reader.seat is None
            )
            self._audience = Audience(writes, fds, (*seated, *others), everyone)
        return self._audience
