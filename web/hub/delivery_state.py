"""The state of delivery at one edge: what has been delivered, and to whom the next event goes.

The frontier has the next `pos` of each partition. Everything below it has been delivered here, and
a cursor is the frontier in writing. Events of one turn of the loop are queued and go out together;
each public method flushes the queue before it looks at the state or changes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from math import inf

from app.delivery.view import Logged
from app.domain import cursor as cursors
from app.domain.cursor import Cursor
from app.domain.deployment import Deployment
from app.domain.event_merge import Item, merge
from app.domain.leaving import leaver
from app.domain.replaced_text import Replacing, as_now, replaced_places, replacing, rewritten
from app.domain.shadow import shown_to
from app.metrics.edge_metrics import EdgeMetrics
from app.runtime.clock import now_ms
from app.tracing.tracing import Span, Tracing
from web.hub import delivery_spans, sse
from web.hub.broadcast import Send, broadcast, write_to_audience
from web.hub.event import Event, EventBatch
from web.hub.recent_events import RecentEvents
from web.hub.registry import Registry
from web.hub.room import Room, Subscriber, User

#: Events by which a subscriber may be behind and still get the missed ones from memory.
MAX_FROM_MEMORY = 1_000


class DeliveryState:
    """Delivers events to the subscribers of their rooms, in order, without gap, each once.

    `unsubscribe` is called with the channels that no user of this edge needs any more. The first of
    the `cursor_keys` signs cursors, and all are accepted.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        partitions: int,
        deployment: Deployment,
        cursor_keys: Sequence[bytes],
        unsubscribe: Callable[[Sequence[bytes]], None],
        metrics: EdgeMetrics,
        send: Send = write_to_audience,
        tracing: Tracing | None = None,
    ) -> None:
        self.registry = registry
        self.metrics = metrics
        self.recent = RecentEvents()
        self.frontier = [0] * partitions
        self.deployment = deployment
        self._digest = deployment.digest()
        self._cursor_keys = tuple(cursor_keys)
        self._cursor_key = self._cursor_keys[0]
        self._unsubscribe = unsubscribe
        self._send = send
        self._tracing = tracing
        self._delivery_time = metrics.delivery_seconds.of()
        self._cursor: str | None = None
        self._queue: list[tuple[Room, Event]] = []
        self._before_delivery: list[Callable[[], None]] = []
        self._news = asyncio.Event()

    def adopt(self, deployment: Deployment) -> bool:
        """Go on in the deployment as it is now, and return whether that can be.

        It can't where this edge has delivered an event that is no part of the log any more.
        """
        self.flush()
        for partition, at in enumerate(self.frontier):
            cut = deployment.cut_after(partition, self.deployment.epoch(partition))
            if cut is not None and at > cut:
                return False
        self.deployment = deployment
        if (digest := deployment.digest()) != self._digest:
            self._digest, self._cursor = digest, None
        self._news.set()
        return True

    async def adopted(self) -> None:
        """Return when the deployment has changed once more."""
        self._news.clear()
        await self._news.wait()

    def before_delivery(self, call: Callable[[], None]) -> None:
        """Have `call` called before an event is queued, where the queue is empty."""
        self._before_delivery.append(call)

    def flush(self) -> None:
        """Broadcast the queued events."""
        if self._queue:
            queue, self._queue = self._queue, []
            spans = self._spans(queue)
            broadcast(queue, self._send)
            delivery_spans.end(spans)
            self.metrics.delivered.add(times=len(queue))
            if (at_ms := queue[0][1].at_ms) is not None:
                self._delivery_time.add((now_ms() - at_ms) / 1000)

    def _spans(self, queue: Sequence[tuple[Room, Event]]) -> Sequence[Span]:
        tracing = self._tracing
        return delivery_spans.begun(tracing, queue) if tracing is not None and tracing.is_on else ()

    # ── cursors ──────────────────────────────────────────────────────────────────────────────

    def cursor(self) -> str:
        """The cursor of the frontier."""
        self.flush()
        return self._frontier_cursor()

    def newest_cursors(self) -> list[str]:
        """The cursors that stand behind the newest event."""
        self.flush()
        return self.recent.newest

    def cursor_of(self, position: Iterable[int]) -> str:
        """The cursor of another position: the next `pos` of each partition."""
        return cursors.encode(self._digest, position, self._cursor_key)

    def decode(self, cursor: str) -> Cursor:
        """A cursor as a client sends it. Raises `CursorMalformed`, or `CursorForeign`."""
        return cursors.decode(cursor, self._cursor_keys)

    def _frontier_cursor(self) -> str:
        if self._cursor is None:
            self._cursor = cursors.encode(self._digest, self.frontier, self._cursor_key)
            self.recent.issue(self._cursor)
        return self._cursor

    # ── events ───────────────────────────────────────────────────────────────────────────────

    def deliver(self, room: Room, logged: Logged) -> None:
        """Deliver the next event of a room."""
        if not self._queue:
            for call in self._before_delivery:
                call()
        room.n, room.pos = logged.n, logged.pos
        self.advance(room.partition, logged.pos + 1)
        if not room.users:
            return
        event = Event(
            *(room.name, room.partition, logged.n, logged.pos, logged.event),
            self._frontier_cursor(),
        )
        self.recent.add(event)
        if (change := replacing(logged.event)) is not None:
            self._replace(room.name, change)
        if event.shadowed:
            self._deliver_to_each(room, event)
        else:
            self._enqueue(room, event)
        if name := leaver(logged.event):
            self._remove(room, name, logged.n)

    def advance(self, partition: int, next_pos: int) -> None:
        """Note that everything of the partition below this `pos` has been delivered here."""
        if next_pos > self.frontier[partition]:
            self.frontier[partition] = next_pos
            self._cursor = None

    def tell(self, subscribers: Iterable[Subscriber], state: bytes) -> None:
        """Pass on a transient state, such as typing: it has no number and is not resumed."""
        self.flush()
        frame = sse.state(state)
        for subscriber in tuple(subscribers):
            if not subscriber.held:
                subscriber.tell(state, frame)

    def reset(self, room: Room, upto: int) -> None:
        """Give up the events of a room up to `upto`: clients fetch them from the history."""
        self.flush()
        for user in room.users:
            user.since = self.recent.last + 1
        for subscriber in room.audience().subscribers:
            self.tell_reset(subscriber, room)
        room.n, room.pos = upto, max(room.pos, self.frontier[room.partition])

    def tell_reset(self, subscriber: Subscriber, room: Room) -> None:
        """Tell one subscriber that events of the room are lost for it."""
        subscriber.reset([room.name])
        self.metrics.resets.add()

    def _replace(self, room: str, change: Replacing) -> None:
        """Rewrite the events in memory as Valkey's window has rewritten them.

        They may also be queued: a reader then gets the present text in the first place.
        """
        for event in self.recent.find(room, replaced_places(change)):
            self.recent.rewrite(event, rewritten(event.data, change))

    def rewrite(self, rewriting: Callable[[Item], bytes]) -> None:
        """Give every event in memory, and every one that waits, the text that the call returns."""
        self.flush()
        for event in self.recent.all():
            item = event.item()
            if (data := rewriting(item)) is not item.event:
                self.recent.rewrite(event, data)
        for user in self.registry.users.values():
            for subscriber in user.subscribers:
                if subscriber.waiting:
                    subscriber.waiting = [
                        one._replace(event=rewriting(one)) for one in subscriber.waiting
                    ]

    def _enqueue(self, room: Room, event: Event) -> None:
        self._queue.append((room, event))
        if len(self._queue) == 1:
            # Events that this turn of the loop still brings go out with it.
            asyncio.get_running_loop().call_soon(self.flush)

    def _deliver_to_each(self, room: Room, event: Event) -> None:
        """Deliver a shadowed event: its author sees another version than the others."""
        self.flush()
        spans = self._spans([(room, event)])
        for subscriber in room.audience().subscribers:
            subscriber.take(EventBatch([event.shown_to(subscriber.user.name)]))
        delivery_spans.end(spans)

    def _remove(self, room: Room, name: str, n: int) -> None:
        """A user has left the room by event `n`, the last one that they get."""
        user = self.registry.users.get(name)
        # They may have joined again; the view tells of that before the event comes.
        if user is not None and user.rooms.get(room, n) < n:
            self.part(user, room)

    # ── users and their subscribers ──────────────────────────────────────────────────────────

    def end(self, subscriber: Subscriber, code: str, reason: str) -> None:
        """End a stream or a poll with a goodbye that says why."""
        self.flush()
        subscriber.end(code, reason)

    def dismiss(self, name: str, code: str, reason: str) -> None:
        """End all streams and polls of a user, with a goodbye that says why."""
        self.flush()
        user = self.registry.users.get(name)
        for subscriber in tuple(user.subscribers) if user is not None else ():
            subscriber.end(code, reason)

    def join(self, user: User, room: str, n: int) -> tuple[Subscriber, ...]:
        """Let the room go to the user from event `n` on; their subscribers, which are held now."""
        self.flush()
        subscribers = tuple(user.subscribers)
        for subscriber in subscribers:
            self.hold(subscriber)
        self.registry.follow(user, {room: n})
        return subscribers

    def part(self, user: User, room: Room) -> None:
        """Let the room go to the user no longer; unsubscribe it where they were the last."""
        self.flush()
        self._unsubscribe(self.registry.part(user, room))

    def drop(self, users: Iterable[User]) -> None:
        """Forget these users, who have no subscribers, and unsubscribe what only they needed."""
        self._unsubscribe(self.registry.drop(users))

    def hold(self, subscriber: Subscriber) -> None:
        """Let events wait for the subscriber, which stands at the frontier."""
        self.flush()
        if not subscriber.held:
            subscriber.position = tuple(self.frontier)
        subscriber.hold()

    def release(self, subscriber: Subscriber) -> None:
        """End a hold; with the last one, deliver the waiting events in one order, each once."""
        self.flush()
        if not subscriber.release():
            return
        waiting, subscriber.waiting = subscriber.waiting, []
        user = subscriber.user.name
        events = [
            Event(
                *(item.room, item.partition, item.n, item.pos, shown_to(user, item.event)),
                self.cursor_of(position),
            )
            for item, position in merge(subscriber.position, as_now(waiting))
        ]
        if events:
            # After the last of them the subscriber has everything that the edge has.
            events[-1] = _with_cursor(events[-1], self._frontier_cursor())
            subscriber.take(EventBatch(events))
        subscriber.settle()

    def begin(self, subscriber: Subscriber, lost: Sequence[str]) -> None:
        """Begin a held subscriber at the frontier; the rooms in `lost` can't be resumed."""
        self.flush()
        subscriber.waiting.clear()
        subscriber.position = tuple(self.frontier)
        self.metrics.resets.add(times=bool(lost))
        subscriber.begin(self._frontier_cursor(), lost)

    def begin_at(
        self,
        subscriber: Subscriber,
        position: tuple[int, ...],
        missed: Sequence[Item],
        lost: Sequence[str],
    ) -> None:
        """Begin a held subscriber at its cursor's position, with the events that it missed."""
        self.flush()
        # This edge may be behind the one that issued the cursor.
        subscriber.waiting = [
            item for item in (*subscriber.waiting, *missed) if item.pos >= position[item.partition]
        ]
        subscriber.position = position
        self.metrics.resets.add(times=bool(lost))
        subscriber.begin(self.cursor_of(position), lost)

    def missed_lately(self, user: User, cursor: str) -> list[Event] | None:
        """The events after a cursor that this edge issued lately, in the user's present rooms.

        `None` where the cursor is not known, or not all of the user's rooms were here since.
        """
        self.flush()
        recent = self.recent
        place = recent.places.get(cursor)
        if place is None or place < user.since or recent.last - place > MAX_FROM_MEMORY:
            return None
        if not user.settled or user.joining:
            return None
        if place == recent.last:
            return []
        rooms, joined = self.registry.rooms, user.rooms
        return [
            event.shown_to(user.name)
            for event in recent.after(place)
            if (room := rooms.get(event.room)) is not None and event.n >= joined.get(room, inf)
        ]

    def missed(self, user: User, cursor: str) -> list[Event] | None:
        """The events that a user missed since their cursor; empty for no cursor.

        `None` where this edge can't say without asking Valkey.
        """
        self.flush()
        if not user.complete():
            return None
        if not cursor or cursor == self._frontier_cursor():
            return []
        return self.missed_lately(user, cursor)


def _with_cursor(event: Event, cursor: str) -> Event:
    return Event(event.room, event.partition, event.n, event.pos, event.data, cursor)
