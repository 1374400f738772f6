"""Which partitions of an assignment a consumer fetches, from where, and how much at once.

Faust assigns the changelogs of a table together with the topics that the table follows. Parley
reads changelogs elsewhere, but aiokafka would still look at each of their partitions, also at
paused ones, several times for each fetch, each with a future that is waited for. With six tables
that was a tenth of a worker's time. So changelogs are excluded; and so is, for a moment, each
partition whose records came by hand-off (app/stream/local_handoff.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Set
from typing import Any, Final

from app.domain.fetch_policy import should_gather

#: Bytes that a gathering fetch waits for at the broker, 0.2 s at most.
GATHER_BYTES: Final = 256 * 1024

#: Seconds for which a partition is not fetched after a hand-off. A record that another process
#: wrote to it, which is rare, arrives that much later.
HANDOFF_SECONDS: Final = 0.2


class FetchControl:
    """The fetches of one aiokafka consumer; `consumer` is called for it each time."""

    def __init__(self, consumer: Callable[[], Any]) -> None:
        self._consumer = consumer
        #: By partition: the time before which it is not fetched.
        self._skipped: dict[Any, float] = {}
        self._assignment: Any = None
        self._places: Set[Any] = frozenset()

    def exclude(self, topics: Set[str]) -> None:
        """Never fetch these topics."""
        fetcher = self._consumer()._fetcher
        stock = type(fetcher)._get_actions_per_node
        self._skipped.clear()

        def actions(assignment: Any) -> Any:
            if self._assignment is not assignment:
                self._assignment = assignment
                self._places = {place for place in assignment.tps if place.topic not in topics}
            now = time.monotonic()
            skipped = {place for place, until in self._skipped.items() if until > now}
            return stock(fetcher, _PartialAssignment(assignment, self._places - skipped))

        fetcher._get_actions_per_node = actions

    def gather(self, count: int) -> None:
        """Decide, after a fetch of `count` records, whether the next one waits for more."""
        fetcher = self._consumer()._fetcher
        gathers = fetcher._fetch_min_bytes == GATHER_BYTES
        fetcher._fetch_min_bytes = GATHER_BYTES if should_gather(count, already=gathers) else 1

    def skip(self, place: Any, start: int, end: int) -> bool:
        """Move a partition's position from `start` to `end`; false if it stands elsewhere.

        The partition is then not fetched for a moment. aiokafka drops the fetch in flight, as it
        does after a seek.
        """
        state = self._state(place)
        if state is None or state.position != start:
            return False
        state.consumed_to(end)
        self._skipped[place] = time.monotonic() + HANDOFF_SECONDS
        return True

    def fetch_again(self, place: Any) -> None:
        """Fetch a skipped partition at once."""
        if self._skipped.pop(place, None) is not None:
            fetcher = self._consumer()._fetcher
            fetcher._notify(fetcher._wait_consume_future)

    def _state(self, place: Any) -> Any:
        """aiokafka's state of a partition; `None` while it is about to change."""
        subscription = self._consumer()._subscription.subscription
        assignment = None if subscription is None else subscription.assignment
        if assignment is None or not assignment.active or subscription._reassignment_in_progress:
            return None
        state = assignment.state_value(place)
        return state if state is not None and state.has_valid_position else None


class _PartialAssignment:
    """An assignment without some of its partitions, as the fetcher uses it."""

    def __init__(self, assignment: Any, places: Set[Any]) -> None:
        self.tps = places
        self.state_value = assignment.state_value
