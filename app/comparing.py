"""Comparing what Parley keeps with what was counted anew: one line for each difference."""

from __future__ import annotations

from collections.abc import AsyncIterator

from app.counting import Counting
from app.delivery.reads import Reads
from app.delivery.view import View
from app.events import MessageCreated, decode_log
from app.history.store import History
from app.rules.receipts import Read
from app.rules.records import Member, Room
from app.rules.recount import Recount
from app.rules.sanctions import Sanction

#: The view keeps that many messages that name a person in a room, and that name everyone.
_MENTIONS = 200

#: Messages read from the history store at once.
_PAGE = 500


async def of_tables(counting: Counting) -> AsyncIterator[str]:
    """Against the changelogs of the tables."""
    heads = await counting.table("parley-pipeline", "rooms", Room)
    members = await counting.table("parley-pipeline", "members", Member)
    receipts = await counting.table("parley-receipts", "receipts", Read)
    sanctions = _by_room(await counting.table("parley-pipeline", "sanctions", Sanction))
    for name, room in counting.rooms.items():
        head = heads.get(name)
        kept = (head.n, head.seq) if head is not None else (0, 0)
        if kept != (room.n, room.seq):
            yield f"{name}: table rooms has n, seq {kept}, the log {room.n, room.seq}"
        for user, role in room.roles.items():
            member = members.get(f"{name}/{user}")
            if member is None or member.role != role:
                yield f"{name}: table members has {member} for {user}, the log {role}"
        if (under := sanctions.get(name, {})) != room.sanctions:
            yield f"{name}: table sanctions has {under}, the log {room.sanctions}"
    for key, read in receipts.items():
        name, user = key.split("/", 1)
        if name in counting.rooms and read.seq > counting.rooms[name].marks.get(user, 0):
            yield f"{name}: table receipts has {read.seq} for {user}, which no receipt says"


def _by_room(sanctions: dict[str, Sanction]) -> dict[str, dict[str, tuple[str, int]]]:
    """Room → user → what they are under, and until when."""
    found: dict[str, dict[str, tuple[str, int]]] = {}
    for key, one in sanctions.items():
        room, user = key.split("/", 1)
        if one.kind:
            found.setdefault(room, {})[user] = (one.kind, one.until_ms)
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
