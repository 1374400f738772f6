"""Differences between a recount and tables, view and history store, a line for each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from app.delivery.read_marks import ReadMarks
from app.delivery.view import View
from app.domain.receipts import Read
from app.domain.records import Member, Message, Room, Sent
from app.domain.recount import RoomRecount
from app.domain.sanctions import Sanction
from app.events import MessageCreated, decode_log
from app.history.store import History
from app.operations.recount import Recount
from app.stream.groups import PIPELINE, RECEIPTS

V = TypeVar("V")

#: Messages of a room that the view keeps as mentions of a user, and as mentions of everyone.
_MAX_MENTIONS = 200

#: Messages that are read from the history store at once.
_PAGE = 500


class TableContents(NamedTuple):
    """The contents of the tables, by room."""

    heads: dict[str, Room]
    members: Mapping[str, dict[str, Member]]
    receipts: Mapping[str, dict[str, Read]]
    sanctions: Mapping[str, dict[str, Sanction]]
    sent: Mapping[str, dict[str, Sent]]
    messages: Mapping[str, dict[str, Message]]


async def table_differences(counting: Recount) -> AsyncIterator[str]:
    """Differences of the tables' changelogs."""
    kept = TableContents(
        await counting.table(PIPELINE.id, "rooms", Room),
        _by_room(await counting.table(PIPELINE.id, "members", Member)),
        _by_room(await counting.table(RECEIPTS.id, "receipts", Read)),
        _by_room(await counting.table(PIPELINE.id, "sanctions", Sanction)),
        _by_room(await counting.table(PIPELINE.id, "sent", Sent)),
        _by_room(await counting.table(PIPELINE.id, "messages", Message)),
    )
    for name, room in counting.rooms.items():
        for line in diff_tables(kept, name, room):
            yield line


def diff_tables(kept: TableContents, name: str, room: RoomRecount) -> Iterator[str]:
    """Differences of the tables in one room."""
    for table, has, should in _tables(kept, name, room):
        for line in _differences(has, should):
            yield f"{name}: table {table} has {line}"


def _tables(
    kept: TableContents, name: str, room: RoomRecount
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """For each table: its name, its contents of a room, and the contents it should have."""
    head = kept.heads.get(name)
    numbers = (head.n, head.seq) if head is not None else (0, 0)
    yield "rooms", {"n, seq": numbers}, {"n, seq": (room.n, room.seq)}
    yield "members", {user: one.role for user, one in kept.members[name].items()}, room.roles
    reads = kept.receipts[name].items()
    yield "receipts", {user: room.left(one.seq, one.epoch) for user, one in reads}, room.receipts
    under = {u: (one.kind, one.until_ms) for u, one in kept.sanctions[name].items() if one.kind}
    yield "sanctions", under, room.sanctions
    sent = {f"{user}/{client_id}": n for (user, client_id), n in room.sent.items()}
    yield "sent", {key: one.n for key, one in kept.sent[name].items()}, sent
    said = {str(seq): (one.by, one.deleted) for seq, one in room.said.items()}
    messages = kept.messages[name].items()
    yield "messages", {seq: (one.by, one.deleted or one.shadow) for seq, one in messages}, said


def _differences(has: Mapping[str, Any], should: Mapping[str, Any]) -> Iterator[str]:
    """A line for each key that is missing, is superfluous, or has another value."""
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


async def view_differences(
    room: RoomRecount, view: View, reads: ReadMarks, counted_for: Collection[str] | None = None
) -> AsyncIterator[str]:
    """Differences of the view in Valkey; unread messages are counted for these members, or all."""
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
        if counted_for is not None and user not in counted_for:
            continue
        if await view.joined(room.room, user) is None:
            yield f"{room.room}: Valkey lacks the room among those of {user}"
        left = (await reads.unread(user, [room.room]))[room.room]
        counted = room.unread(user, _MAX_MENTIONS)
        if (left.unread, left.mentions) != counted:
            kept = (left.unread, left.mentions)
            yield f"{room.room}: Valkey has {kept} unread for {user}, counted {counted}"


async def history_differences(room: RoomRecount, history: History) -> AsyncIterator[str]:
    """Differences of the history store, without what retention or an erasure has removed."""
    state = await history.state(room.room)
    if (state.n, state.seq) != (room.n, room.seq):
        yield f"{room.room}: history has n, seq {state.n, state.seq}, the log {room.n, room.seq}"
    if state.gaps and state.kept_from == 1:
        yield f"{room.room}: history lacks the events {state.gaps}"
    expected = {seq for seq, said in room.said.items() if said.deleted and seq >= state.kept_from}
    if shown := expected.difference(state.deleted):
        yield f"{room.room}: history still shows the deleted messages {sorted(shown)}"
    seen = state.kept_from - 1
    async for raw in _stored(room, history, state.kept_from):
        for line in _message_differences(room, raw, seen):
            yield line
        seen = _seq(raw)
    if seen != room.seq:
        yield f"{room.room}: history ends at message {seen}, the log at {room.seq}"


async def has_altered_messages(room: RoomRecount, history: History) -> bool:
    """Whether the history store has a message otherwise than the log, as far as this was read."""
    kept_from = await history.kept_from(room.room)
    seen = kept_from - 1
    async for raw in _stored(room, history, kept_from):
        if _seq(raw) > room.seq:
            break
        for _ in _message_differences(room, raw, seen):
            return True
        seen = _seq(raw)
    return False


async def _stored(room: RoomRecount, history: History, kept_from: int) -> AsyncIterator[bytes]:
    """The messages of the store up to the room's last, by the numbers in their rows."""
    at = kept_from - 1
    while at < room.seq and (page := await history.page(room.room, after_seq=at, limit=_PAGE)):
        for raw in page:
            yield raw
        # An event may have another number than its row: then the next page must not begin there.
        at = max(at + len(page), _seq(page[-1]))


def _seq(raw: bytes) -> int:
    return int(decode_log(raw).seq)  # type: ignore[union-attr]


async def history_window_differences(
    room: RoomRecount, history: History, after_n: int, after_seq: int, most: int
) -> AsyncIterator[str]:
    """Differences of at most so many events and messages behind these numbers.

    What retention or an erasure has removed is no difference.
    """
    name, kept_from = room.room, await history.kept_from(room.room)
    if kept_from == 1:
        has = {row.n for row in await history.events_after(name, after_n, most)}
        wanted = range(after_n + 1, min(after_n + most, room.n) + 1)
        if lacking := [n for n in wanted if n not in has]:
            yield f"{name}: history lacks the events {lacking[0]} to {lacking[-1]}"
    seen = max(after_seq, kept_from - 1)
    page = await history.page(name, after_seq=seen, limit=most)
    last = min(seen + most, room.seq)
    for raw in page:
        for line in _message_differences(room, raw, seen):
            yield line
        seen = _seq(raw)
    if seen < last:
        yield f"{name}: history has no message between {seen} and {last + 1}"


def _message_differences(room: RoomRecount, raw: bytes, before: int) -> Iterator[str]:
    """Differences of a stored message, which follows the message `before`."""
    event = decode_log(raw)
    assert isinstance(event, MessageCreated)
    said = room.said.get(event.seq)
    if event.seq != before + 1:
        yield f"{room.room}: history has message {event.seq} after {before}"
    if said is None or event.id != said.id or event.by not in ("", said.by):
        yield f"{room.room}: history has message {event.seq} as the log has not"
    elif said.deleted:
        # Of a shadowed one the store keeps what its author sees.
        if not event.deleted and event.shadow is None:
            yield f"{room.room}: history still shows the deleted message {event.seq}"
    elif not event.by:
        return  # its author is forgotten, and so are the words
    elif event.deleted:
        yield f"{room.room}: history has message {event.seq} as deleted, the log has not"
    elif event.shadow is None and hash(event.text) != said.words:
        yield f"{room.room}: history has another text of message {event.seq} than the log"
