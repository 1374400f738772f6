"""Messages have their present form, however their events were delivered."""

from __future__ import annotations

from itertools import count
from typing import Any

import orjson
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.events import MessageCreated, MessageDeleted, MessageEdited, ReactionAdded, encode
from app.history.engine import connect, history_url
from app.history.entry import Entry
from app.history.reactions import MOST_NAMES
from app.history.schema import metadata
from app.history.store import History
from tests.history.recount import as_now
from tests.history.story import DEEDS, entries_of, story

# Examples share a store, and each has rooms of its own.
number = count()
many = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def pages(history: History, room: str, **span: Any) -> list[dict[str, Any]]:
    return [orjson.loads(raw) for raw in await history.page(room, limit=100, **span)]


async def everything(url: str, room: str) -> list[list[dict[str, Any]]]:
    """All that is stored about a room, in each table."""
    engine = connect(history_url(url))
    tables = [table for table in metadata.sorted_tables if "room" in table.c]
    async with engine.connect() as connection:
        rows = []
        for table in tables:
            result = await connection.execute(select(table).where(table.c.room == room))
            rows.append([{**row, "id": ""} for row in result.mappings()])
    await engine.dispose()
    return [sorted(table, key=repr) for table in rows]


# A delivery: it starts somewhere, brings batches, and goes back now and then, but always comes
# to the end; several take turns.
DELIVERY = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 12)), max_size=8)


def batches(entries: list[Entry], steps: list[tuple[int, int]], start: int) -> list[list[Entry]]:
    found, place = [], start
    for size, back in steps:
        found.append(entries[place : place + size])
        place = max(0, min(place + size, len(entries)) - back)
    return [*found, entries[place:]]


SAY = ("say", "ann", 0)


@many
@given(
    deeds=DEEDS,
    first=DELIVERY,
    second=DELIVERY,
    start=st.integers(0, 10),
    turns=st.lists(st.booleans(), min_size=20, max_size=20),
    late=st.tuples(st.integers(0, 24), st.integers(1, 9)),
)
@example([SAY, ("edit", "ann", 0), ("edit", "ben", 0)], [], [], 0, [True] * 20, (1, 1))
@example([SAY, ("react", "ann", 0), ("unreact", "ann", 0)], [], [], 0, [True] * 20, (1, 1))
@example([SAY, ("react", "ann", 0), ("delete", "ann", 0)], [], [], 0, [True] * 20, (0, 2))
@example(
    [SAY, ("edit", "ann", 0), ("delete", "ann", 0)], [(1, 0)], [], 2, [False] + [True] * 19, (0, 2)
)
async def test_any_deliveries_leave_what_one_leaves(
    history: History,
    url: str,
    deeds: Any,
    first: Any,
    second: Any,
    start: int,
    turns: list[bool],
    late: tuple[int, int],
) -> None:
    room = f"room{next(number)}"
    log = story(room, deeds)
    queues = [
        batches(entries_of(log), first, 0),
        batches(entries_of(log), second, min(start, len(log))),
    ]
    for turn in [*turns, *([True] * 20), *([False] * 20)]:
        if queues[turn]:
            await history.append(queues[turn].pop(0))
    shown = await pages(history, room)
    assert shown == as_now(log)
    for root in {message.get("thread", 0) for message in shown} - {0}:
        thread = [message for message in shown if message.get("thread") == root]
        assert await pages(history, room, thread=root) == thread
        assert await pages(history, room, thread=root, after_seq=root + 1) == [
            message for message in thread if message["seq"] > root + 1
        ]
    # A batch that somebody held back for long, and nothing after it.
    await history.append(entries_of(log)[late[0] : late[0] + late[1]])
    assert await pages(history, room) == shown
    once = f"{room}once"
    await history.append(entries_of(story(once, deeds)))
    there = repr(await everything(url, room))
    assert there == repr(await everything(url, once)).replace(once, room)


async def test_deleted_and_replaced_texts_are_in_no_row(history: History, url: str) -> None:
    log = story("lobby", [("say", "ann", 1), ("edit", "ann", 1), ("edit", "ben", 1)])
    await history.append(entries_of(log))
    rows = repr(await everything(url, "lobby"))
    assert "message 1" not in rows
    assert "edit 2" not in rows
    assert "edit 3" in rows
    gone = MessageDeleted(
        room="lobby", n=4, by="ann", at_ms=9, id="e", client_id="c", seq=1, of=1, prev=3
    )
    await history.append([Entry.of(gone, encode(gone))])
    rows = repr(await everything(url, "lobby"))
    assert "edit 3" not in rows
    assert "https://x/y" not in rows


async def test_reactions_name_the_first_and_the_reader(history: History) -> None:
    common = {"room": "lobby", "at_ms": 1, "id": "e", "client_id": "c", "seq": 1}
    log: list[Any] = [MessageCreated(n=1, by="ann", text="hi", **common)]
    log += [ReactionAdded(n=n, by=f"u{n}", emoji="👍", **common) for n in range(2, MOST_NAMES + 12)]
    await history.append(entries_of(log))
    first = [f"u{n}" for n in range(2, MOST_NAMES + 2)]
    for reader, names in (("", first), ("u2", first), ("u30", [*first, "u30"])):
        [shown] = await pages(history, "lobby", reader=reader)
        assert shown["reactions"] == {"👍": {"count": MOST_NAMES + 10, "by": names}}


async def test_edit_of_a_message_that_the_log_no_longer_has_is_no_error(history: History) -> None:
    common = {"room": "lobby", "by": "ann", "at_ms": 1, "id": "e", "client_id": "c"}
    edit = MessageEdited(n=7, seq=3, of=2, text="new", **common)
    await history.append(entries_of([edit]))
    assert await history.page("lobby") == []
