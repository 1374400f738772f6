"""Broadcast: the events of one turn of the loop go out to each subscriber in one write.

The same bytes go to many connections, by `web/native/_broadcast.c` where it was built, which costs
a tenth less, else by each transport's own `write`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import ModuleType

from web.hub.event import Event, EventBatch
from web.hub.room import Audience, Room, Subscriber

#: Gives bytes to all writers of an audience.
Send = Callable[[Audience, bytes], None]


def broadcast(queued: Sequence[tuple[Room, Event]], send: Send) -> None:
    """Give each subscriber its events, in their order and at once."""
    batches = _by_room(queued)
    if len(batches) == 1:
        _to_room(*batches[0], send)
    else:
        _to_rooms(batches, send)


def _by_room(queued: Sequence[tuple[Room, Event]]) -> list[tuple[Room, EventBatch]]:
    """Runs of events of the same room, in their order."""
    runs: list[tuple[Room, list[Event]]] = []
    last: Room | None = None
    for room, event in queued:
        if room is last:
            runs[-1][1].append(event)
        else:
            runs.append((room, [event]))
            last = room
    return [(room, EventBatch(events)) for room, events in runs]


def _to_room(room: Room, batch: EventBatch, send: Send) -> None:
    audience = room.audience()
    if audience.writes:
        send(audience, batch.frames)
    for receiver in audience.receivers:
        receiver.take(batch)


def _to_rooms(batches: Sequence[tuple[Room, EventBatch]], send: Send) -> None:
    """Several rooms; a subscriber of more than one gets all in the order of their cursors."""
    audiences = [room.audience().subscribers for room, _ in batches]
    if len(set().union(*audiences)) == sum(map(len, audiences)):
        for room, batch in batches:
            _to_room(room, batch, send)
        return
    due: dict[Subscriber, EventBatch] = {}
    for subscribers, (_, batch) in zip(audiences, batches, strict=True):
        for subscriber in subscribers:
            before = due.get(subscriber)
            due[subscriber] = (
                batch if before is None else EventBatch([*before.events, *batch.events])
            )
    for subscriber, batch in due.items():
        subscriber.take(batch)


def sender(native: ModuleType | None) -> Send:
    """How bytes go to an audience; `native` is `web.native._broadcast` where it was built."""
    if native is None:
        return write_to_audience
    send_all = native.send_all

    def send_to_audience(audience: Audience, data: bytes) -> None:
        # Nothing waits in these transports, so bytes that go past them keep their order. The
        # transports get the rest that the kernel did not take, and report that they are full.
        for index, sent in send_all(audience.fds, data):
            write_all(audience.writes[index : index + 1], data[sent:])

    return send_to_audience


def write_to_audience(audience: Audience, data: bytes) -> None:
    """Give bytes to each connection's own `write`."""
    write_all(audience.writes, data)


def write_all(writes: Iterable[Callable[[bytes], None]], data: bytes) -> None:
    """The same bytes to all. The transport of a connection that has just broken reports it."""
    pending = iter(writes)
    while True:
        try:
            for write in pending:
                write(data)
        except (RuntimeError, OSError):
            continue  # with the next one: the iterator has moved on
        return
