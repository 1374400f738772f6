"""Events that an owner wants to be sent again, after they were given up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import structlog

from app.domain.subscriptions.backlog import Entry, Lane
from app.errors import Malformed
from app.events import Position, SendAgain, decode_send_again
from app.stream.batch import Batch
from app.subscriptions.endpoint import Endpoint
from app.subscriptions.event_window import EventWindow, Source
from app.subscriptions.failures import failure_key
from app.subscriptions.source_events import SourceEvent

log = structlog.get_logger()


class WantedEvent:
    """One event to be sent again: the origin of a lane that has nothing else."""

    def __init__(
        self, wanted: SendAgain, window: EventWindow, done: Callable[[WantedEvent], None]
    ) -> None:
        self.subscription = wanted.subscription
        self.source = Source(wanted.topic, wanted.partition)
        self.key = failure_key(wanted)
        self.hold: Callable[[], None] = lambda: None
        self._window = window
        self._wanted = wanted
        self._done = done

    def lane(self) -> Lane:
        """A lane with the event."""
        wanted = self._wanted
        lane = Lane(self.key)
        lane.entries.append(Entry(Position(wanted.epoch, wanted.pos), wanted.offset, 0, None))
        return lane

    async def load(self, lane: Lane) -> SourceEvent | None:
        """The event; `None` where its topic no longer has it."""
        event = await self._window.at(self.source, self._wanted.offset)
        if event is None or event.position != (self._wanted.epoch, self._wanted.pos):
            return None
        lane.entries[0] = lane.entries[0]._replace(event=event)
        return event

    def finish(self, lane: Lane) -> None:
        """Note that the event is done."""
        lane.entries.clear()
        self._done(self)

    def fail(self, lane: Lane, now_ms: int, why: str) -> None:
        """Note a failed attempt."""
        lane.since_ms = lane.since_ms or now_ms
        lane.tries += 1
        lane.why = why


class SentAgain:
    """The events that are to be sent again; `tell` sends a record of `chat.deliveries`."""

    def __init__(self, window: EventWindow, tell: Callable[[str, bytes], None]) -> None:
        self._window = window
        self._tell = tell
        self._wanted: dict[str, dict[str, WantedEvent]] = {}
        self._released: list[Callable[[], None]] = []

    def take(self, batch: Batch, record: Any, endpoints: Mapping[str, Endpoint]) -> None:
        """Take a record that asks for an event; it is committed when the event is done."""
        try:
            asked = decode_send_again(record.value)
        except Malformed as error:
            batch.dead_letter(record, str(error))
            return
        if not self._window.follows(Source(asked.topic, asked.partition)):
            batch.dead_letter(record, "the event is of another partition, or of no topic of ours")
            return
        wanted = WantedEvent(asked, self._window, self._done)
        wanted.hold = batch.hold(record)
        self._wanted.setdefault(asked.subscription, {})[wanted.key] = wanted
        if (endpoint := endpoints.get(asked.subscription)) is not None:
            endpoint.offer(wanted, wanted.lane())

    def offer_to(self, endpoint: Endpoint) -> None:
        """Send to an endpoint that has changed what was asked for before."""
        for wanted in self._wanted.get(endpoint.subscription.id, {}).values():
            endpoint.offer(wanted, wanted.lane())

    def release(self, batch: Batch) -> None:
        """Let the records be committed with this batch whose events are done."""
        released, self._released = self._released, []
        for hold in released:
            batch.release(hold)

    def clear(self) -> None:
        """Forget everything: the partitions may be others', and the records come again."""
        self._wanted.clear()
        self._released.clear()

    def _done(self, wanted: WantedEvent) -> None:
        of_subscription = self._wanted.get(wanted.subscription, {})
        if of_subscription.pop(wanted.key, None) is not None:
            self._released.append(wanted.hold)
            self._tell(wanted.key, b"")
