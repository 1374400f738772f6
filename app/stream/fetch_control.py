"""What of a consumer's assignment it asks Kafka for, from where on, and how much at once.

Faust has a table's changelog assigned with the topics that the table follows. Where somebody else
reads it, aiokafka would still look at each of its partitions, several times for each fetch: paused
ones, too, each with a future that is waited for. With six tables that was a tenth of a worker. So
changelogs are left out; and for a moment each partition whose records come another way
(app/stream/local_handoff.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Set
from typing import Any, Final

from app.domain.fetch_policy import gathers

#: Bytes that a fetch waits for, 0.2 s at most, where a group without hurry gathers.
GATHER: Final = 256 * 1024

#: Seconds for which a partition is not asked for after its records came another way. What somebody
#: else has written to it, nobody as a rule, is heard of that much later.
MOMENT: Final = 0.2


class FetchControl:
    """What one aiokafka consumer fetches; `consumer` is asked for whenever it is needed."""

    def __init__(self, consumer: Callable[[], Any]) -> None:
        self._consumer = consumer
        #: Until when a partition is put off.
        self._put_off: dict[Any, float] = {}
        self._assignment: Any = None
        self._places: Set[Any] = frozenset()

    def never(self, topics: Set[str]) -> None:
        """Have these topics never asked for."""
        fetcher = self._consumer()._fetcher
        stock = type(fetcher)._get_actions_per_node
        self._put_off.clear()

        def actions(assignment: Any) -> Any:
            if self._assignment is not assignment:
                self._assignment = assignment
                self._places = {place for place in assignment.tps if place.topic not in topics}
            now = time.monotonic()
            late = {place for place, until in self._put_off.items() if until > now}
            return stock(fetcher, _Share(assignment, self._places - late))

        fetcher._get_actions_per_node = actions

    def gather(self, count: int) -> None:
        """Have the next fetch wait for more, or not, after one that brought so many records."""
        fetcher = self._consumer()._fetcher
        gathering = fetcher._fetch_min_bytes == GATHER
        fetcher._fetch_min_bytes = GATHER if gathers(count, already=gathering) else 1

    def skip(self, place: Any, start: int, end: int) -> bool:
        """Go on at `end`, if what would come next is `start`; whether that was so.

        The partition is not asked for then for a moment. What is under way of it is dropped by
        aiokafka, as after a seek.
        """
        state = self._state(place)
        if state is None or state.position != start:
            return False
        state.consumed_to(end)
        self._put_off[place] = time.monotonic() + MOMENT
        return True

    def call_back(self, place: Any) -> None:
        """Ask for a partition again, at once."""
        if self._put_off.pop(place, None) is not None:
            fetcher = self._consumer()._fetcher
            fetcher._notify(fetcher._wait_consume_future)

    def _state(self, place: Any) -> Any:
        """aiokafka's state of a partition; `None` where it is about to change."""
        subscription = self._consumer()._subscription.subscription
        assignment = None if subscription is None else subscription.assignment
        if assignment is None or not assignment.active or subscription._reassignment_in_progress:
            return None
        state = assignment.state_value(place)
        return state if state is not None and state.has_valid_position else None


class _Share:
    """An assignment without some of its places, as the fetcher looks at it."""

    def __init__(self, assignment: Any, places: Set[Any]) -> None:
        self.tps = places
        self.state_value = assignment.state_value
