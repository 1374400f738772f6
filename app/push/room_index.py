"""The rooms of users with a subscription: who of a room may have to be called.

A message costs no more for the members who have none. Joins and leaves come from the log and from
the view, in any order; of a room and user the higher `n` counts.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping

from app.domain.push.levels import Levels


class RoomIndex:
    """By room: its subscribed members. `levels_of` tells what a user wants."""

    def __init__(self, levels_of: Callable[[str], Levels]) -> None:
        self._levels_of = levels_of
        #: By room and user: the `n` of joining, or less the `n` of leaving.
        self._rooms: dict[str, dict[str, int]] = {}
        self._of_user: dict[str, set[str]] = {}
        #: Of rooms with a message lately: those who want every message.
        self._every: dict[str, tuple[str, ...]] = {}

    def __contains__(self, user: object) -> bool:
        return user in self._of_user

    @property
    def users(self) -> Iterable[str]:
        """The users whose rooms are known."""
        return self._of_user.keys()

    @property
    def rooms(self) -> Container[str]:
        """The rooms with a subscribed member, and some that had one."""
        return self._rooms

    def clear(self) -> None:
        """Forget everything."""
        self._rooms.clear()
        self._of_user.clear()
        self._every.clear()

    def add(self, user: str, rooms: Mapping[str, int]) -> None:
        """Add a user with rooms, each with the `n` of joining."""
        self._of_user.setdefault(user, set())
        for room, n in rooms.items():
            self.note(room, user, n)

    def note(self, room: str, user: str, n: int) -> None:
        """Note that a user of the index joined, or left, in the second case with less the `n`."""
        members = self._rooms.setdefault(room, {})
        if abs(n) > abs(members.get(user, 0)):
            members[user] = n
            self._of_user[user].add(room)
            self._every.pop(room, None)

    def remove(self, user: str) -> None:
        """Forget a user, who has no subscription any more."""
        for room in self._of_user.pop(user, ()):
            members = self._rooms[room]
            members.pop(user, None)
            self._every.pop(room, None)
            if not members:
                del self._rooms[room]

    def changed(self, user: str) -> None:
        """Look up again what a user wants."""
        for room in self._of_user.get(user, ()):
            self._every.pop(room, None)

    def called(
        self, room: str, n: int, mentions: Iterable[str], *, everyone: bool
    ) -> Iterator[tuple[str, bool]]:
        """Those who want to be notified of event `n`, each with whether they are mentioned.

        The work is in proportion to those who want every message of the room, and to the mentions.
        """
        members = self._rooms.get(room)
        if members is None:
            return
        named = members.keys() if everyone else {user for user in mentions if user in members}
        for user in named:
            if 0 < members[user] < n and self._levels_of(user).wants(room, mentioned=True):
                yield user, True
        for user in self._wanting_every(room, members):
            if user not in named and 0 < members[user] < n:
                yield user, False

    def _wanting_every(self, room: str, members: Mapping[str, int]) -> tuple[str, ...]:
        if (known := self._every.get(room)) is None:
            found = (u for u in members if self._levels_of(u).wants(room, mentioned=False))
            known = self._every[room] = tuple(found)
        return known
