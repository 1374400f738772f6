"""An endpoint: the requests of one subscription, over all its feeds of this worker.

Events of a room go one after the other, and those of different rooms side by side. An event that
fails holds up its room. An endpoint that takes nothing at all is only asked now and then, with one
request at a time, so that a dead one costs little and a live one nothing.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

import structlog

from app.domain import circuit_breaker
from app.domain.subscriptions.backlog import Lane
from app.events import DeliveryFailed, Subscription
from app.runtime.clock import now_ms
from app.setting_values import without_password
from app.subscriptions.endpoint_client import Answer, EndpointClient
from app.subscriptions.event_window import Source
from app.subscriptions.source_events import SourceEvent

log = structlog.get_logger()

_HOUR_MS: Final = 60 * 60 * 1000


class Origin(Protocol):
    """Where the events of a lane come from, and what becomes of them: a feed."""

    subscription: str
    source: Source

    async def load(self, lane: Lane) -> SourceEvent | None:
        """The first event of the lane; `None` where its topic no longer has it."""

    def finish(self, lane: Lane) -> None:
        """Note that the first event of the lane is done."""

    def fail(self, lane: Lane, now_ms: int, why: str) -> None:
        """Note a failed attempt for the first event of the lane."""


class _Turn(NamedTuple):
    origin: Origin
    lane: Lane


class Endpoint:
    """The endpoint of a subscription.

    An event is tried for `give_up_ms`. `given_up` is called with what was not taken, `pause` with
    the reason where nothing more is to be sent, `failed` with a task that has ended, perhaps by an
    error.
    """

    def __init__(
        self,
        subscription: Subscription,
        client: EndpointClient,
        give_up_ms: float,
        given_up: Callable[[DeliveryFailed], None],
        pause: Callable[[Subscription, str], None],
        failed: Callable[[asyncio.Task[None]], None],
    ) -> None:
        self.subscription = subscription
        #: Events that were taken, and milliseconds since 1970 of the last of them.
        self.taken = 0
        self._taken_ms = 0
        #: Whether an event was given up, and no other was taken as long as that one was tried.
        self._takes_nothing = False
        self._client = client
        self._give_up_ms = give_up_ms
        self._given_up = given_up
        self._pause = pause
        self._failed = failed
        self._queue: deque[_Turn] = deque()
        self._senders: set[asyncio.Task[None]] = set()
        self._waits: set[asyncio.TimerHandle] = set()
        self._breaker = circuit_breaker.Breaker()
        self._size = subscription.batch
        self._stopped = False
        #: Requests that wait for their answer.
        self._under_way = 0

    def offer(self, origin: Origin, lane: Lane) -> None:
        """Send the first event of a lane when its turn comes."""
        lane.busy = True
        self._queue.append(_Turn(origin, lane))
        self._send_more()

    def stop(self) -> None:
        """Send nothing more. A request that is under way is cut off, and its events come again."""
        self._stopped = True
        self._queue.clear()
        for wait in self._waits:
            wait.cancel()
        for sender in self._senders:
            sender.cancel()

    @property
    def _most(self) -> int:
        """Requests that may be under way now."""
        return 1 if self._breaker.failures >= circuit_breaker.FAILURES else self._parallel

    @property
    def _parallel(self) -> int:
        return max(1, self.subscription.parallel)

    def _send_more(self) -> None:
        """Have as many senders as may be, unless those that are idle are enough."""
        if self._stopped:
            return
        idle = len(self._senders) - self._under_way
        for _ in range(min(self._most - len(self._senders), len(self._queue) - idle)):
            sender = asyncio.create_task(self._send())
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)
            sender.add_done_callback(self._failed)

    async def _send(self) -> None:
        """Send what is in the queue, a request after the other."""
        while self._queue and len(self._senders) <= self._most:
            if seconds := circuit_breaker.wait_seconds(self._breaker, time.monotonic()):
                await asyncio.sleep(seconds * random.uniform(1.0, 1.2))
                continue
            turns, events = await self._next()
            if events:
                self._under_way += 1
                try:
                    answer = await self._client.post(self.subscription, events)
                finally:
                    self._under_way -= 1
                self._settle(turns, answer)

    async def _next(self) -> tuple[list[_Turn], list[SourceEvent]]:
        """The lanes of the next request, with an event of each."""
        turns: list[_Turn] = []
        events: list[SourceEvent] = []
        while self._queue and len(events) < self._size:
            turn = self._queue.popleft()
            event = await turn.origin.load(turn.lane)
            if event is None:
                log.warning("an event is gone", subscription=turn.origin.subscription)
                self._done(turn)
                continue
            turns.append(turn)
            events.append(event)
        return turns, events

    def _settle(self, turns: Sequence[_Turn], answer: Answer) -> None:
        if not answer.why:
            self._breaker = circuit_breaker.after_success()
            self._taken_ms = now_ms()
            self._takes_nothing = False
            self.taken += len(turns)
            self._size = min(self.subscription.batch, 2 * self._size)
            for turn in turns:
                self._done(turn)
            self._send_more()
            return
        self._breaker = circuit_breaker.after_failure(self._breaker, time.monotonic())
        if answer.gone:
            self._pause(self.subscription, f"its endpoint wants no more: {answer.why}")
            return
        if self._takes_nothing:
            # Not one event alone is what it does not take: the others wait rather than be given up.
            hours = self._give_up_ms / _HOUR_MS
            why = f"its endpoint took nothing for {hours:g} hours: {answer.why}"
            self._pause(self.subscription, why)
            return
        if len(turns) > 1:
            # One of the events may be what it does not take: smaller requests find it.
            self._size = len(turns) // 2
            self._queue.extendleft(reversed(turns))
            return
        self._try_later(turns[0], answer)

    def _done(self, turn: _Turn) -> None:
        lane = turn.lane
        lane.busy = False
        turn.origin.finish(lane)
        if lane.entries:
            self.offer(*turn)

    def _try_later(self, turn: _Turn, answer: Answer) -> None:
        origin, lane = turn
        origin.fail(lane, now_ms(), answer.why)
        if now_ms() - lane.since_ms > self._give_up_ms:
            self._give_up(turn)
            return
        seconds = circuit_breaker.pause(lane.tries) * random.uniform(0.5, 1.0)
        seconds = max(seconds, answer.wait)
        log.info(
            "an endpoint did not take an event, trying again",
            subscription=self.subscription.id,
            url=without_password(self.subscription.url),
            why=answer.why,
            tries=lane.tries,
            seconds=round(seconds, 1),
        )
        loop = asyncio.get_running_loop()
        handle = loop.call_later(seconds, self._try_again, turn)
        self._waits = {one for one in self._waits if one.when() > loop.time()} | {handle}

    def _try_again(self, turn: _Turn) -> None:
        if not self._stopped:
            self.offer(*turn)

    def _give_up(self, turn: _Turn) -> None:
        origin, lane = turn
        entry, since, why = lane.entries[0], lane.since_ms, lane.why
        event = entry.event
        failed = DeliveryFailed(
            subscription=self.subscription.id,
            event=event.id if event is not None else "",
            type=event.kind if event is not None else "",
            topic=origin.source.topic,
            partition=origin.source.partition,
            epoch=entry.position.epoch,
            pos=entry.position.pos,
            offset=entry.offset,
            room=event.room if event is not None else "",
            tries=lane.tries,
            since_ms=since,
            at_ms=now_ms(),
            why=why,
        )
        self._done(turn)
        self._given_up(failed)
        self._takes_nothing = self._taken_ms < since
