"""Comparing what Parley keeps with what was counted anew: one line for each difference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, TypeVar

from app.counting import Counting
from app.delivery.reads import Reads
from app.delivery.view import View
from app.events import MessageCreated, decode_log
from app.history.store import History
from app.rules.receipts import Read
from app.rules.records import Member, Message, Room, Sent
from app.rules.recount import Recount
from app.rules.sanctions import Sanction

V = TypeVar("V")

#: The view keeps that many messages that name a person in a room, and that name everyone.
_MENTIONS = 200

#: Messages read from the history store at once.
_PAGE = 500


async def of_tables(counting: Counting) -> AsyncIterator[str]:
    """Against the changelogs of the tables."""
    heads = await counting.table("parley-pipeline", "rooms", Room)
    members = _by_room(await counting.table("parley-pipeline", "members", Member))
    receipts = _by_room(await counting.table("parley-receipts", "receipts", Read))
    sanctions = _by_room(await counting.table("parley-pipeline", "sanctions", Sanction))
    sent = _by_room(await counting.table("parley-pipeline", "sent", Sent))
    messages = _by_room(await counting.table("parley-pipeline", "messages", Message))
    for name, room in counting.rooms.items():
        head = heads.get(name)
        kept = (head.n, head.seq) if head is not None else (0, 0)
        pairs: list[tuple[str, Any, Any]] = [
            ("rooms", {"n, seq": kept}, {"n, seq": (room.n, room.seq)}),
            ("members", {u: m.role for u, m in members[name].items()}, room.roles),
            ("receipts", {u: read.seq for u, read in receipts[name].items()}, room.receipts),
            (
                "sanctions",
                {u: (s.kind, s.until_ms) for u, s in sanctions[name].items() if s.kind},
                room.sanctions,
            ),
            (
                "sent",
                {key: one.n for key, one in sent[name].items()},
                {f"{user}/{client_id}": n for (user, client_id), n in room.sent.items()},
            ),
            (
                "messages",
                {seq: (m.by, m.deleted or m.shadow) for seq, m in messages[name].items()},
                {str(seq): (said.by, said.deleted) for seq, said in room.said.items()},
            ),
        ]
        for table, has, should in pairs:
            for line in _differences(has, should):
                yield f"{name}: table {table} has {line}"


def _differences(has: Mapping[str, Any], should: Mapping[str, Any]) -> Iterator[str]:
    """A line for each key with another value, that is missing, or that should not be there."""
    if has != should:
        for key in sorted(has.keys() | should.keys()):
            if has.get(key) != should.get(key):
                yield f"{has.get(key)} for {key}, the log {should.get(key)}"


def _by_room(values: Mapping[str, V]) -> defaultdict[str, dict[str, V]]:
    """Room → the rest of the key → the value."""
    found: defaultdict[str, dict[str, V]] = defaultdict(dict)
    for key, value in values.items():
        room, rest = key.split("/", 1)
        found[room][rest] = value
    return found


async def of_view(room: Recount, view: View, reads: Reads) -> AsyncIterator[str]:
    """Against the view in Valkey."""
    head = await view.room(room.room)
    seen = (head.n, head.seq) if head is not None else (0, 0)
    if seen != (room.n, room.seq):
        yield f"{room.room}: Valkey has n, seq {seen}, the log {room.n, room.seq}"
    members = await view.members(room.room)
    if members != room.roles:
        yield f"{room.room}: Valkey has the members {members}, the log {room.roles}"
    sanctions = await view.sanctions(room.room)
    under = {user: (one.sanction, one.until_ms) for user, one in sanctions.items()}
    if under != room.sanctions:
        yield f"{room.room}: Valkey has the sanctions {under}, the log {room.sanctions}"
    marks = await reads.marks(room.room)
    for user in room.roles:
        mark = marks.get(user, 0)
        if mark != room.marks[user]:
            yield f"{room.room}: Valkey has {user} at {mark}, the log at {room.marks[user]}"
        left = (await reads.unread(user, [room.room]))[room.room]
        counted = room.unread(user, _MENTIONS)
        if (left.unread, left.mentions) != counted:
            kept = (left.unread, left.mentions)
            yield f"{room.room}: Valkey has {kept} unread for {user}, counted {counted}"


async def of_history(room: Recount, history: History) -> AsyncIterator[str]:
    """Against the history store; what retention has dropped, and who is forgotten, may lack."""
    state = await history.state(room.room)
    if (state.n, state.seq) != (room.n, room.seq):
        yield f"{room.room}: history has n, seq {state.n, state.seq}, the log {room.n, room.seq}"
    if state.gaps and state.kept_from == 1:
        yield f"{room.room}: history lacks the events {state.gaps}"
    expected = {seq for seq, said in room.said.items() if said.deleted and seq >= state.kept_from}
    if shown := expected.difference(state.deleted):
        yield f"{room.room}: history still shows the deleted messages {sorted(shown)}"
    seen = state.kept_from - 1
    while page := await history.page(room.room, after_seq=seen, limit=_PAGE):
        for raw in page:
            event = decode_log(raw)
            assert isinstance(event, MessageCreated)
            said = room.said.get(event.seq)
            if event.seq != seen + 1:
                yield f"{room.room}: history has message {event.seq} after {seen}"
            if said is None or event.by not in ("", said.by):
                yield f"{room.room}: history has message {event.seq} as the log has not"
            seen = event.seq
    if seen != room.seq:
        yield f"{room.room}: history ends at message {seen}, the log at {room.seq}"
