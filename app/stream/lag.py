"""How far a consumer is behind: what it has fetched and not acknowledged, by partition."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from faust.types import TP

from app.runtime.clock import now_ms
from app.stream.acks import Chunk


class Behind(NamedTuple):
    """Records that a group has not processed, and the age of the oldest in seconds."""

    events: int
    seconds: float


class UnprocessedChunks:
    """The chunks of each partition from the fetch on until they are acknowledged."""

    def __init__(self) -> None:
        self._chunks: dict[TP, deque[Chunk]] = {}
        #: Where nothing was fetched yet that is behind: since when that is known, in ms.
        self._behind_since: dict[TP, int] = {}

    def add(self, chunk: Chunk) -> None:
        """Note a chunk with records that goes to its agent's queue."""
        self._chunks.setdefault(chunk.place, deque()).append(chunk)

    def drop(self, place: TP, upto: int) -> None:
        """Drop the chunks whose records are all below this offset."""
        chunks = self._chunks.get(place)
        while chunks and chunks[0].end <= upto:
            chunks.popleft()

    def clear(self) -> None:
        """Drop all: the queues are emptied, and their records come again."""
        self._chunks.clear()
        self._behind_since.clear()

    def behind(self, place: TP, processed: int, end: int) -> Behind:
        """The lag of a partition that is processed up to `processed` and ends at `end`, or beyond.

        The end of the last fetch may be before records that this process has handed off.
        Records that are not fetched yet count from when they were first seen to be there: a lower
        bound, which holds while tables are recovered.
        """
        self.drop(place, processed)
        chunks, now = self._chunks.get(place), now_ms()
        events = max(0, max(end, chunks[-1].end if chunks else 0) - processed)
        if not events:
            self._behind_since.pop(place, None)
            return Behind(0, 0.0)
        since = chunks[0].since_ms if chunks else self._behind_since.setdefault(place, now)
        return Behind(events, max(0, now - since) / 1000)


def committed_of(consumer: Any, place: TP) -> int | None:
    """The offset up to which a consumer of Faust's own has committed; `None`: it has not yet."""
    found: int | None = consumer._committed_offset.get(place)
    return found
