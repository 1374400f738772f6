"""Calls of publish.lua: log events in groups, with their keys and arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from app.delivery import keys
from app.delivery.view_changes import Changes, changes_of
from app.events import (
    AnyLogEvent,
    MessageCreated,
    Position,
    Ruling,
    Traceparent,
    Verdict,
    encode,
)

#: The most events of a call, during which Valkey does nothing else for a millisecond or two.
MOST = 50


#: Of a record that is no event and has no place among them.
NO_POSITION = Position(0, -1)


class Entry(NamedTuple):
    """A record of `chat.log`; `event` is `None` if it is not a valid one.

    `after` is the `pos` of the event before it in the log.
    """

    partition: int
    offset: int
    position: Position
    after: int
    value: bytes
    event: AnyLogEvent | None
    edge: str
    ruling: Ruling | None = None
    #: A refill has written the memberships as they are at the end: their order is no matter.
    surveyed: bool = False
    #: Of a traced message that is delivered as it happens: the span that delivery goes on from.
    trace: Traceparent | None = None


@dataclass
class PublishCall:
    """Events of a partition that Valkey publishes in one call, and memberships to write before it.

    `belong`: user, room, `n` of joining or minus the `n` of leaving. `keys` and `arguments` are the
    script's.
    """

    keys: list[str]
    arguments: list[Any] = field(default_factory=list)
    belong: list[tuple[str, str, int]] = field(default_factory=list)
    count: int = 0

    def add(self, entry: Entry, changes: Changes) -> None:
        """Add an event."""
        event = entry.event
        self.count += 1
        if event is None:
            self.arguments += ["", "", changes.json(0, entry.position, entry.after)]
            return
        partition, room = entry.partition, event.room
        own = _room_keys(partition, room)
        if changes.named:
            own += tuple(keys.mentioned(partition, room, user) for user in changes.named)
        self.keys += own
        self.belong += [(user, room, n) for user, n in changes.belong]
        channel = keys.channel(partition, room)
        edge = keys.edge(entry.edge) if entry.edge else ""
        answer = encode(_accepted(event, entry.ruling)) if entry.edge else b""
        trace = "" if entry.trace is None else str(entry.trace)
        described = changes.json(
            len(own), entry.position, entry.after, event.n, channel, edge, trace
        )
        self.arguments += [entry.value, answer, described]


def publish_calls(entries: Sequence[Entry], texts: dict[int, bytes]) -> Iterator[PublishCall]:
    """The calls for events, partition by partition.

    `texts` are the events whose text an edit or a deletion replaces, by `n`. Memberships change
    between calls, never ahead of the events before them, except of surveyed entries.
    """
    call: PublishCall | None = None
    for entry in entries:
        position = keys.position(entry.partition)
        changes = Changes() if entry.event is None else changes_of(entry.event, texts)
        apart = bool(changes.belong) and not entry.surveyed
        if call is not None and (apart or call.count == MOST or call.keys[0] != position):
            yield call
            call = None
        call = call or PublishCall([position, keys.epoch(entry.partition)])
        call.add(entry, changes)
    if call is not None:
        yield call


@lru_cache(maxsize=4096)
def _room_keys(partition: int, room: str) -> tuple[str, ...]:
    """The keys of a room that every event has."""
    found = (keys.room, keys.log, keys.members, keys.read, keys.gone, keys.everyone, keys.sanctions)
    return tuple(of(partition, room) for of in found)


def _accepted(event: AnyLogEvent, ruling: Ruling | None) -> Verdict:
    return Verdict(
        id=event.id,
        room=event.room,
        by=event.by,
        client_id=event.client_id,
        event_id=event.id,
        n=event.n,
        seq=event.seq if isinstance(event, MessageCreated) else 0,
        ruling=ruling,
    )
