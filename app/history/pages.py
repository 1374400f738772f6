"""Pages of messages in their present form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace
from sqlalchemy import Connection, func, select

from app.events import encode
from app.history import reactions, threads
from app.history.message import shown
from app.history.schema import messages, rooms

_BIGGEST = 2**63 - 1


class Span(NamedTuple):
    """A selection of a room's messages: see `History.page`."""

    room: str
    thread: int | None
    before_seq: int | None
    after_seq: int | None
    limit: int


def page(connection: Connection, span: Span, reader: str) -> list[bytes]:
    """The messages of the span, ascending by `seq`."""
    wanted = select(messages.c.room, messages.c.seq, messages.c.event, messages.c.deleted)
    wanted = wanted.where(messages.c.room == span.room)
    if span.thread is not None:
        wanted = wanted.where(messages.c.thread == bounded(span.thread))
    if span.before_seq is not None:
        wanted = wanted.where(messages.c.seq < bounded(span.before_seq))
    if span.after_seq is not None:
        wanted = wanted.where(messages.c.seq > bounded(span.after_seq))
    oldest = span.after_seq is not None
    wanted = wanted.order_by(messages.c.seq if oldest else messages.c.seq.desc())
    found = connection.execute(wanted.limit(bounded(span.limit))).all()
    return as_shown(connection, found if oldest else found[::-1], reader)


def newest_seq(connection: Connection, room: str) -> int:
    """The highest `seq` that was ever stored for the room, or 0."""
    wanted = select(func.max(messages.c.seq)).where(messages.c.room == room)
    return max(connection.scalar(wanted) or 0, floor(connection, room) - 1)


def floor(connection: Connection, room: str) -> int:
    """The `seq` below which the room's messages were dropped; 0 if none were."""
    return int(connection.scalar(select(rooms.c.floor).where(rooms.c.room == room)) or 0)


def as_shown(connection: Connection, rows: Sequence[Sequence[Any]], reader: str) -> list[bytes]:
    """The messages of the rows (room, seq, event, deleted), with reactions and replies."""
    keys = [(room, seq) for room, seq, _, _ in rows]
    if not keys:
        return []
    emojis = reactions.of(connection, keys, reader)
    replies = threads.of(connection, keys)
    shown_rows = []
    for room, seq, event, deleted in rows:
        under = {} if deleted else emojis.get((room, seq), {})
        thread = replies.get((room, seq))
        if under or thread:
            now = replace(shown(event), reactions=under, **(thread._asdict() if thread else {}))
            event = encode(now)
        shown_rows.append(event)
    return shown_rows


def bounded(number: int) -> int:
    """The number, or the nearest that both databases can store; no `seq` is beyond."""
    return max(-_BIGGEST, min(number, _BIGGEST))
