"""The names of each room's members, as mentions and look-alikes ask for them.

They are made of the table `members`. A mention does not say where a name ends, nor how it is
written, so it can't be looked up by key.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from app.domain.confusables import Looks
from app.domain.mentions import Names
from tables.members import members

#: The most names in memory; the rooms that were asked about least lately are dropped first.
MOST: Final = 200_000


class MemberNames:
    """The names of rooms that were asked about lately, kept up to date by `note`."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._rooms: OrderedDict[tuple[int, str], Names] = OrderedDict()
        #: Of some of these rooms: the looks of the names.
        self._looks: dict[tuple[int, str], Looks] = {}
        self._count = 0
        self._renewals = members.renewals

    def __len__(self) -> int:
        """How many names are in memory."""
        return self._count

    def of(self, partition: int, room: str) -> Names:
        """The names of the room's members, with all writes of this batch."""
        self._drop_outdated()
        key = (partition, room)
        if (known := self._rooms.get(key)) is not None:
            self._rooms.move_to_end(key)
            return known
        prefix = f"{room}/"
        found = Names(one.removeprefix(prefix) for one in members.keys_under(partition, prefix))
        self._rooms[key] = found
        self._count += len(found)
        while self._count > self._most and len(self._rooms) > 1:
            dropped, names = self._rooms.popitem(last=False)
            self._count -= len(names)
            self._looks.pop(dropped, None)
        return found

    def alike(self, partition: int, room: str, user: str) -> str:
        """A member of the room that looks like this user; empty where there is none."""
        names = self.of(partition, room)
        if (known := self._looks.get((partition, room))) is None:
            known = self._looks[partition, room] = Looks(names)
        return known.alike(user)

    def note(self, partition: int, room: str, user: str) -> None:
        """Follow a write of the table `members`."""
        self._drop_outdated()
        key = (partition, room)
        if (known := self._rooms.get(key)) is None:
            return
        before = len(known)
        there = members.read(partition, f"{room}/{user}") is not None
        for index in (known, self._looks.get(key)):
            if index is not None and there:
                index.add(user)
            elif index is not None:
                index.discard(user)
        self._count += len(known) - before

    def _drop_outdated(self) -> None:
        if self._renewals != members.renewals:
            self._renewals = members.renewals
            self._rooms.clear()
            self._looks.clear()
            self._count = 0
