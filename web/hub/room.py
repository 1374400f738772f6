"""Users, their subscribers, and the rooms of this edge: three types that refer to each other.

A user has subscribers (streams and polls) and is in rooms; a room has users; an event of a room
goes to the subscribers of its users. A room caches them as its audience.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from typing import Final, Protocol, TypeVar, cast

import structlog

from app.delivery import keys
from app.domain.event_merge import Item
from web.hub.event import EventBatch

log = structlog.get_logger()

#: Events that may wait for a subscriber that catches up. Beyond, it is ended and reconnects.
MAX_WAITING: Final = 10_000

#: Code and reason of a goodbye where a stream can't begin, or can't follow a room.
UNAVAILABLE: Final = ("unavailable", "The live state is away for a moment.")
BROKEN: Final = ("internal", "Something went wrong with this stream; please reconnect.")


class Receiver(Protocol):
    """A subscriber, or a group of subscribers that get the same answer."""

    def take(self, batch: EventBatch) -> None:
        """Deliver the events."""


_R = TypeVar("_R", bound=Receiver)


class Audience:
    """The subscribers of a room, arranged by the way in which they take events.

    `writes` take bytes at once, and `fds` are their sockets in the same order, -1 where one is not
    known. `receivers` take batches: single subscribers, and groups of them.
    """

    __slots__ = ("_groups", "fds", "receivers", "subscribers", "writes")

    def __init__(self, subscribers: tuple[Subscriber, ...]) -> None:
        self.subscribers = subscribers
        self.writes: list[Callable[[bytes], None]] = []
        self.fds = array("i")
        self.receivers: list[Receiver] = []
        self._groups: dict[Hashable, Receiver] = {}
        for subscriber in subscribers:
            subscriber.join(self)

    def add_writer(self, write: Callable[[bytes], None], fd: int) -> None:
        """Give frames to `write`, or past it to the socket `fd`."""
        self.writes.append(write)
        self.fds.append(fd)

    def group(self, key: Hashable, make: Callable[[], _R]) -> _R:
        """The group under this key, made where the audience has none yet."""
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = make()
            self.receivers.append(group)
        return cast("_R", group)  # a key stands for one type of group


class Subscriber(ABC):
    """A stream or a poll of a user.

    A subscriber is held while it catches up: events wait for it. The hub releases it when the
    missed events and the waiting ones have been delivered in one order; from then on each event
    goes out at once.
    """

    __slots__ = ("_holds", "position", "user", "waiting")

    def __init__(self, user: User) -> None:
        self.user = user
        self.waiting: list[Item] = []
        #: the next `pos` of each partition when the hold began.
        self.position: tuple[int, ...] = ()
        self._holds = 1

    @property
    def held(self) -> bool:
        """Whether events wait at present."""
        return self._holds > 0

    def join(self, audience: Audience) -> None:
        """Add the subscriber to an audience, in the way in which it takes events."""
        audience.receivers.append(self)

    def hold(self) -> None:
        """Let events wait from now on. Holds add up."""
        self._holds += 1

    def release(self) -> bool:
        """End one hold; whether it was the last, so that events may go out."""
        self._holds -= 1
        return self._holds == 0

    def take(self, batch: EventBatch) -> None:
        """Deliver the events, or keep them while held. A failure ends this subscriber alone."""
        try:
            self._take(batch)
        except Exception:
            log.exception("a subscriber failed", user=self.user.name)
            with suppress(Exception):
                self.end(*BROKEN)

    def _take(self, batch: EventBatch) -> None:
        if self._holds == 0:
            self.deliver(batch)
        elif len(self.waiting) < MAX_WAITING:
            self.waiting += [event.item() for event in batch.events]
        else:
            self.end("slow_consumer", "Too much happened while this stream was catching up.")

    def settle(self) -> None:  # noqa: B027 - most have nothing to do
        """Go live: all missed events have been delivered."""

    @abstractmethod
    def begin(self, cursor: str, lost: Sequence[str]) -> None:
        """Begin at `cursor`; the rooms in `lost` can't be resumed exactly."""

    @abstractmethod
    def deliver(self, batch: EventBatch) -> None:
        """Give the events to the client, or make sure that it gets them."""

    @abstractmethod
    def tell(self, state: bytes, frame: bytes) -> None:
        """Give a transient state to the client, as JSON or as an SSE frame."""

    @abstractmethod
    def reset(self, rooms: Sequence[str]) -> None:
        """Tell the client to fetch the history of these rooms."""

    @abstractmethod
    def end(self, code: str, reason: str) -> None:
        """Tell the client why, and end."""


class User:
    """A user at this edge, shared by their subscribers and kept a while after the last.

    `rooms` has the `n` from which on the user gets a room. `since` is the place among the edge's
    recent events from which on all those rooms are complete here; `joining` counts rooms that are
    not yet. `left` has the `n` of the event by which the user left a room, while their rooms are
    being looked up: the looked-up ones may be older.
    """

    __slots__ = ("joining", "left", "name", "rooms", "settled", "since", "subscribers")

    def __init__(self, name: str) -> None:
        self.name = name
        self.rooms: dict[Room, int] = {}
        self.subscribers: list[Subscriber] = []
        self.settled = False
        self.since = 0
        self.joining = 0
        self.left: dict[str, int] | None = None

    def room_names(self) -> list[str]:
        """The names of the rooms, sorted."""
        return sorted(room.name for room in self.rooms)

    def changed(self) -> None:
        """The user's subscribers have changed, or the way in which one takes events."""
        for room in self.rooms:
            room.forget_audience()

    def complete(self) -> bool:
        """Whether every event of the user's rooms arrives at this edge."""
        return self.settled and not self.joining

    def note_left(self, room: str, n: int) -> None:
        """Note that the user left the room by event `n`."""
        self.left = {**(self.left or {}), room: n}

    def has_left(self, room: str, n: int) -> bool:
        """Whether the user has left since they joined by event `n`, as far as was noted."""
        return self.left is not None and self.left.get(room, n) > n

    def settle(self, since: int) -> None:
        """All of the user's rooms are known, and complete from the recent event `since` on."""
        self.settled, self.since, self.left = True, since, None


class Room:
    """A room with users at this edge.

    `n` is `None` until the first event or marker, `pos` is that of the newest event. Where an
    event was lost for good, `pos` may be higher than the event's, never lower.
    """

    __slots__ = ("_audience", "channel", "n", "name", "partition", "pos", "users")

    def __init__(self, name: str, partition: int) -> None:
        self.name = name
        self.partition = partition
        self.channel = keys.channel(partition, name).encode()
        self.n: int | None = None
        self.pos = -1
        self.users: set[User] = set()
        self._audience: Audience | None = None

    def forget_audience(self) -> None:
        """Arrange the audience anew when the next event comes."""
        self._audience = None

    def add(self, user: User) -> None:
        """Deliver the room to the user from now on."""
        self.users.add(user)
        self._audience = None

    def discard(self, user: User) -> None:
        """Deliver the room to the user no longer."""
        self.users.discard(user)
        self._audience = None

    def audience(self) -> Audience:
        """The subscribers of the room's users; cached, since most events change nothing of it."""
        if self._audience is None:
            self._audience = Audience(
                tuple(subscriber for user in self.users for subscriber in user.subscribers)
            )
        return self._audience
