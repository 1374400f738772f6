"""Admission: a subscriber goes from its cursor to the live stream, nothing missing or doubled.

The edge subscribes first, then waits for a marker. When that has arrived, the edge stands at least
where the view stood, and later events wait for the subscriber. The events between its cursor and
the edge's frontier are read from the windows; with those that wait, that is everything.
"""

from __future__ import annotations

import asyncio

from app.domain.cursor import Cursor
from app.domain.deployment import Resumed
from app.errors import Unreachable
from web.hub.admission_batches import (
    BATCH_SIZE,
    TIMEOUT,
    AdmissionBatches,
    BeyondLog,
    LogEnds,
)
from web.hub.backfill import backfill
from web.hub.event import Event, EventBatch
from web.hub.hub import Hub
from web.hub.room import Subscriber


class Admission:
    """Admits subscribers to the live stream of one hub."""

    def __init__(self, hub: Hub, log_ends: LogEnds) -> None:
        self._hub = hub
        self._state = hub.state
        self._batches = AdmissionBatches(hub, log_ends)
        #: Many may come at once, and each may have missed much.
        self._backfills = asyncio.Semaphore(BATCH_SIZE)

    def resume(self, subscriber: Subscriber, cursor: str, missed: list[Event]) -> None:
        """Begin a subscriber with events from memory, without waiting for anything."""
        if subscriber not in subscriber.user.subscribers:
            self._state.registry.attach(subscriber)
        # With missed events the client still stands at its own cursor until it has them.
        subscriber.begin(cursor if missed else self._state.cursor(), [])
        subscriber.release()
        if missed:
            subscriber.deliver(EventBatch(missed))
        subscriber.settle()

    def decoded(self, cursor: str) -> Cursor | None:
        """A cursor as a client sends it, `None` for none. Raises as `DeliveryState.decode`."""
        return self._state.decode(cursor) if cursor else None

    async def admit(self, subscriber: Subscriber, cursor: Cursor | None) -> None:
        """Begin the subscriber at its cursor, or at the present; then it is live.

        Raises `Unreachable`, or an error of Valkey's client, while Valkey is away.
        """
        state, user = self._state, subscriber.user
        if subscriber not in user.subscribers:
            state.registry.attach(subscriber)
        usable = self._usable(cursor)
        try:
            # The frontier of now: a later one is always a little ahead of the view.
            await self._batches.admit(user, usable.nexts if usable else tuple(state.frontier))
        except BeyondLog:
            usable = None
            await self._batches.admit(user, (0,) * len(state.frontier))
        if usable is None:
            state.begin(subscriber, [] if cursor is None else user.room_names())
        else:
            await self._begin_at(subscriber, usable)
        state.release(subscriber)

    async def _begin_at(self, subscriber: Subscriber, resumed: Resumed) -> None:
        user = subscriber.user
        try:
            async with self._backfills, asyncio.timeout(TIMEOUT):
                missed, lost = await backfill(self._hub.view, user, resumed.nexts)
        except TimeoutError:
            raise Unreachable("Valkey does not answer") from None
        rewound = {room.name for room in user.rooms if room.partition in resumed.rewound}
        self._state.begin_at(subscriber, resumed.nexts, missed, sorted(rewound.union(lost)))

    def _usable(self, cursor: Cursor | None) -> Resumed | None:
        """Where the cursor goes on, if it is of this log."""
        state = self._state
        if cursor is None or len(cursor.nexts) != len(state.frontier):
            return None
        return state.deployment.resumed(cursor)
