"""A store that is cut at the end of its rooms is as one that never had what lies beyond."""

from __future__ import annotations

from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.events import AnyLogEvent, MessageCreated, Position, Reported
from app.history.engine import connect, history_url
from app.history.entry import Entry
from app.history.log_cut import RoomCut, RoomEnd
from app.history.progress import Standing
from app.history.store import History
from tests.history.recount import as_now
from tests.history.room import entries
from tests.history.story import DEEDS, entries_of, story
from tests.history.test_message_state import everything, pages

number = count()
some = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def end_of(log: list[AnyLogEvent]) -> RoomEnd:
    return RoomEnd(len(log), sum(isinstance(event, MessageCreated) for event in log))


def another_tail(log: list[AnyLogEvent], kept: int) -> list[AnyLogEvent]:
    """What comes after the kept events instead: each event once more, with other words and ids."""
    return [
        replace(
            event,
            id=f"new {event.n}",
            **({"text": f"new {event.n}"} if hasattr(event, "text") else {}),
        )
        for event in log[kept:]
    ]


async def cut(history: History, room: str, kept: list[Entry], end: RoomEnd) -> None:
    assert await history.beyond({room: end}) in ([], [room])
    wanted = await history.changed(room, end)
    again = [entry for entry in kept if entry.seq in wanted]
    assert await history.cut(RoomCut(room, end, wanted, again))


@some
@given(deeds=DEEDS, share=st.floats(0, 1), grown=st.booleans())
async def test_nothing_is_left_of_lost_events(
    history: History, url: str, deeds: list[tuple[str, str, int]], share: float, grown: bool
) -> None:
    name = f"room {next(number)}"
    room, other = name, f"{name} too"
    log = story(room, deeds)
    kept = round(share * len(log))
    await history.append(entries_of(log))
    if grown:  # an older archive has stored what took the numbers of the lost events
        await history.append(entries_of(another_tail(log, kept)))
    end = end_of(log[:kept])
    assert await history.beyond({room: end}) == ([room] if kept < len(log) else [])
    for _ in range(2):  # once more after a crash
        await cut(history, room, entries_of(log[:kept]), end)
        assert await pages(history, room) == as_now(log[:kept])[-100:]
        state = await history.state(room)
        assert (state.n, state.seq) == end
    new = log[:kept] + another_tail(log, kept)
    await history.append(entries_of(new[kept:]))
    elsewhere = [replace(event, room=other) for event in new]
    await history.append(entries_of(elsewhere))
    theirs = [[{**row, "room": room} for row in table] for table in await everything(url, other)]
    mine = await everything(url, room)
    assert [_without_json(table) for table in mine] == [_without_json(table) for table in theirs]
    assert await pages(history, room) == as_now(new)[-100:]
    found = await history.search("message", [room], limit=100)
    assert {one.seq for one in found} == {
        event["seq"] for event in as_now(new) if "message" in event["text"]
    }


def _without_json(table: list[dict[str, object]]) -> list[dict[str, object]]:
    return [{**row, "event": b""} for row in table]


async def test_a_message_that_changes_while_the_log_is_read_is_read_again(history: History) -> None:
    log = story("a", [("say", "ann", 0), ("say", "ann", 0), ("edit", "ann", 1)])
    await history.append(entries_of(log))
    cut = RoomCut("a", RoomEnd(2, 2), {1}, [])
    assert not await history.cut(cut)
    assert await pages(history, "a") == as_now(log)


async def test_a_floor_above_the_log_comes_down_and_reports_of_lost_messages_go(
    history: History,
) -> None:
    stored = entries("a", 6)
    await history.append(stored)
    await history.drop_before("a", stored[0].event.at_ms + 1)
    common = {"room": "a", "by": "ben", "at_ms": 1, "author": "ann", "text": "", "reason": ""}
    await history.record([Reported(seq=seq, id=f"r{seq}", **common) for seq in (2, 5)])
    assert await history.kept_from("a") == 7
    end = RoomEnd(4, 3)
    assert await history.beyond({"a": end}) == ["a"]
    assert await history.cut(RoomCut("a", end, await history.changed("a", end), []))
    assert await history.kept_from("a") == 4
    assert [item.seq for item in await history.queue(None)] == [2]
    await history.record([Reported(seq=5, id="r6", **common)])
    await history.drop_stray_reports()
    assert [item.seq for item in await history.queue(None)] == [2]
    await history.append(stored[5:])
    assert await history.newest_seq("a") == 6


async def test_a_room_that_the_log_lacks_is_gone(history: History) -> None:
    await history.append([*entries("a", 2), *entries("b", 2)])
    assert await history.beyond({"a": RoomEnd(), "b": RoomEnd(3, 2), "c": RoomEnd()}) == ["a"]
    assert await history.cut(RoomCut("a", RoomEnd(), set(), []))
    assert await history.rooms() == ["b"]


def placed(stored: list[Entry], epoch: int) -> list[Entry]:
    return [one.at(1, Position(epoch, 10 + i)) for i, one in enumerate(stored)]


async def test_what_an_epoch_has_cut_off_is_not_stored_any_more(history: History) -> None:
    stored = entries("a", 6)
    await history.append(placed(stored, 0)[:6])
    assert await history.standing("a", 1) == Standing(1, 6, 16, 0)
    assert await history.announce(1, [(1, 13)], {}) == 13
    assert await history.standing("a", 1) == Standing(1, 6, 13, 0)
    end = RoomEnd(3, 2)
    assert await history.cut(RoomCut("a", end, set(), []), 1)
    await history.append(placed(stored, 0))  # by a worker that had slept
    assert await history.newest_events(["a"]) == {"a": 3}
    await history.append(placed(stored, 1))
    assert await history.newest_events(["a"]) == {"a": len(stored)}
    await history.note_cut(1, 1)
    assert await history.epochs() == {1: 1}
    assert await history.standing("a", 1) == Standing(1, len(stored), 10 + len(stored), 1)
    assert await history.announce(1, [(1, 13)], {}) is None
    # Another archive, which comes late, cuts nothing of what is stored by now.
    assert await history.cut(RoomCut("a", end, set(), []), 1)
    assert await history.newest_events(["a"]) == {"a": len(stored)}
    assert await history.announce(1, [(1, 13), (2, 11)], {}) == 11


async def test_an_erasure_ends_where_the_log_was_cut(history: History) -> None:
    stored = entries("a", 6)
    await history.forget("ann", until_ms=0, ends=(0, 16))
    await history.announce(1, [(1, 13)], {"ann": 13})
    await history.append(placed(stored, 1))
    await history.note_cut(1, 1)
    assert [bool(one.get("deleted")) for one in await pages(history, "a")] == [True] * 2 + [
        False
    ] * 4


async def test_a_store_of_before_gets_to_know_epochs(history: History, url: str) -> None:
    stored = placed(entries("a", 3), 0)
    await history.append(stored)
    engine = connect(history_url(url))
    async with engine.begin() as connection:
        await connection.exec_driver_sql("DROP TABLE parley_epochs")
    await engine.dispose()
    reopened = History(url)
    await reopened.open()
    assert await reopened.standing("a", 1) == Standing(1, 5, 15, 0)
    assert await reopened.announce(1, [(1, 12)], {}) == 12
    assert await reopened.cut(RoomCut("a", RoomEnd(2, 1), set(), []), 1)
    await reopened.note_cut(1, 1)
    assert await reopened.standing("a", 1) == Standing(1, 2, 12, 1)
    assert len(await pages(reopened, "a")) == 1
    await reopened.close()
