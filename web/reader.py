"""A reader: somebody's stream or poll, and what waits for it while it catches up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress

import structlog

from app.rules.joining import Item

log = structlog.get_logger()

#: Events that wait for a reader which catches up, at most. Beyond, it is let go and comes back.
MOST_WAITING = 10_000


class Live:
    """An event that is being delivered: encoded once, whatever number of readers it has."""

    __slots__ = ("cursor", "frame", "item")

    def __init__(self, item: Item, cursor: str, frame: bytes) -> None:
        self.item = item
        self.cursor = cursor
        self.frame = frame


class Reader(ABC):
    """What the hub delivers to.

    A reader is held while it catches up: events wait. The hub lets it go on when what it missed
    and what waits have been delivered in one order; from then on each event goes out at once.
    """

    def __init__(self, user: str) -> None:
        self.user = user
        #: The rooms that this reader gets, each with the `n` from which on.
        self.rooms: dict[str, int] = {}
        self.waiting: list[Item] = []
        #: Where the reader stands while it is held: the next offset of each partition.
        self.stands: tuple[int, ...] = ()
        self._holds = 1

    @property
    def held(self) -> bool:
        """Whether events wait at present."""
        return self._holds > 0

    def hold(self) -> None:
        """Let events wait from now on. Holds add up."""
        self._holds += 1

    def release(self) -> bool:
        """End one hold; whether it was the last, so that events may go out."""
        self._holds -= 1
        return self._holds == 0

    def take(self, live: Live) -> None:
        """Deliver, or keep while held. Whatever goes wrong ends this reader and no other."""
        try:
            self._take(live)
        except Exception:
            log.exception("a reader failed", user=self.user)
            with suppress(Exception):
                self.end("internal", "Something went wrong with this stream; please reconnect.")

    def _take(self, live: Live) -> None:
        if self._holds == 0:
            self.deliver(live)
        elif len(self.waiting) < MOST_WAITING:
            self.waiting.append(live.item)
        else:
            self.end("slow_consumer", "Too much happened while this stream was catching up.")

    @abstractmethod
    def begin(self, cursor: str, lost: Sequence[str]) -> None:
        """The reader is admitted at `cursor`; `lost` are rooms that can't be resumed exactly."""

    @abstractmethod
    def deliver(self, live: Live) -> None:
        """Give the event to the client, or make sure that it is given."""

    @abstractmethod
    def tell(self, state: bytes, frame: bytes) -> None:
        """Give a passing state to the client, as JSON or as a frame of a stream."""

    @abstractmethod
    def reset(self, rooms: Sequence[str]) -> None:
        """Tell the client to fetch these rooms' history."""

    @abstractmethod
    def end(self, code: str, reason: str) -> None:
        """Tell the client why, and end."""
