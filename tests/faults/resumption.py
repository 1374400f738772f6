"""Whether everything works after a fault: messages are numbered and reach every reader."""

from __future__ import annotations

from collections.abc import Mapping

from tests.faults.follower import Follower
from tests.faults.speaker import Speaker, turn_of


class Resumption:
    """Looks for wishes that are first tried after this is made.

    `complete` when each room has given one its number, and each of its readers has seen one.
    """

    def __init__(
        self,
        speaker: Speaker,
        followers: Mapping[str, Follower],
        people: Mapping[str, list[str]],
    ) -> None:
        #: Of each room, the `seq` of the first that was seen.
        self.first: dict[str, int] = {}
        self._speaker = speaker
        self._followers = followers
        self._begins = speaker.begun
        self._said = len(speaker.said)
        self._unserved = set(people)
        #: The readers that have not seen one yet, and the events that were searched.
        self._unheard = {
            (user, room): len(followers[user].seen[room])
            for room, users in people.items()
            for user in users
        }

    def complete(self) -> bool:
        """Look at what is new since the last look."""
        said = self._speaker.said[self._said :]
        self._said += len(said)
        self._unserved -= {
            each.wish.room for each in said if each.numbered and self._is_new(turn_of(each.wish))
        }
        for (user, room), start in list(self._unheard.items()):
            self._look(user, room, start)
        return not (self._unserved or self._unheard)

    def state(self) -> str:
        """The missing readers, for an error message."""
        return f"{len(self._unserved)} rooms number nothing, {len(self._unheard)} readers wait"

    def _look(self, user: str, room: str, start: int) -> None:
        seen = self._followers[user].seen[room]
        new = [place.seq for place in seen[start:] if self._is_new(turn_of(place.wish))]
        if new:
            del self._unheard[user, room]
            self.first.setdefault(room, new[0])
        else:
            self._unheard[user, room] = len(seen)

    def _is_new(self, turn: int) -> bool:
        return turn >= self._begins
