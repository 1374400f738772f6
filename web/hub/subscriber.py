"""A reader: somebody's stream or poll, and what waits for it while it catches up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from app.domain.event_merge import Item
from web.hub.event import Run

if TYPE_CHECKING:
    from web.hub.user import Person
    from web.server.seat import Seat

log = structlog.get_logger()

#: Events that wait for a reader which catches up, at most. Beyond, it is let go and comes back.
MOST_WAITING = 10_000


#: Why a reader is sent away that could not begin, or could not be brought into a room.
UNAVAILABLE: Final = ("unavailable", "The live state is away for a moment.")
BROKEN: Final = ("internal", "Something went wrong with this stream; please reconnect.")


class Reader(ABC):
    """What the hub delivers to.

    A reader is held while it catches up: events wait. The hub lets it go on when what it missed
    and what waits have been delivered in one order; from then on each event goes out at once.
    """

    __slots__ = ("_holds", "fd", "person", "seat", "stands", "waiting", "write")

    def __init__(self, person: Person) -> None:
        self.person = person
        self.waiting: list[Item] = []
        #: Where the reader stands while it is held: the next offset of each partition.
        self.stands: tuple[int, ...] = ()
        #: Where all that a reader needs is bytes: what takes them. `Person.changed` goes with it.
        self.write: Callable[[bytes], None] | None = None
        #: The socket that `write` writes to, where nothing waits before it; -1 where none is known.
        self.fd = -1
        #: Where its connection is served in C; `Person.changed` goes with it.
        self.seat: Seat | None = None
        self._holds = 1

    @property
    def held(self) -> bool:
        """Whether events wait at present."""
        return self._holds > 0

    def hold(self) -> None:
        """Let events wait from now on. Holds add up."""
        self._holds += 1
        if self.write is not None:
            self.write = None
            self.person.changed()

    def release(self) -> bool:
        """End one hold; whether it was the last, so that events may go out."""
        self._holds -= 1
        return self._holds == 0

    def take(self, run: Run) -> None:
        """Deliver, or keep while held. Whatever goes wrong ends this reader and no other."""
        try:
            self._take(run)
        except Exception:
            log.exception("a reader failed", user=self.person.name)
            with suppress(Exception):
                self.end("internal", "Something went wrong with this stream; please reconnect.")

    def _take(self, run: Run) -> None:
        if self._holds == 0:
            self.deliver(run)
        elif len(self.waiting) < MOST_WAITING:
            self.waiting += [live.item() for live in run.lives]
        else:
            self.end("slow_consumer", "Too much happened while this stream was catching up.")

    def settle(self) -> None:  # noqa: B027 - most have nothing to do
        """All that was missed has been delivered; from here on it is live."""

    @abstractmethod
    def begin(self, cursor: str, lost: Sequence[str]) -> None:
        """The reader is admitted at `cursor`; `lost` are rooms that can't be resumed exactly."""

    @abstractmethod
    def deliver(self, run: Run) -> None:
        """Give the events to the client, or make sure that they are given."""

    @abstractmethod
    def tell(self, state: bytes, frame: bytes) -> None:
        """Give a passing state to the client, as JSON or as a frame of a stream."""

    @abstractmethod
    def reset(self, rooms: Sequence[str]) -> None:
        """Tell the client to fetch these rooms' history."""

    @abstractmethod
    def end(self, code: str, reason: str) -> None:
        """Tell the client why, and end."""
