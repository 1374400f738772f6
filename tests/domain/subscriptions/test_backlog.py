"""The backlog of a subscription: nothing is lost, rooms keep their order, others go on."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from app.domain.subscriptions.backlog import NOTHING, WAITING, Backlog, Entry, Place
from app.events import Position

START = Place(*NOTHING, offset=0)


def entry(number: int) -> Entry:
    return Entry(Position(0, number), number, number, f"event {number}")


def test_a_room_that_fails_holds_up_no_other() -> None:
    backlog = Backlog(START)
    lanes = [backlog.take(room, entry(n)) for n, room in enumerate(["a", "b", "a", "b"])]
    a, b = lanes[0], lanes[1]
    assert a is not None
    assert b is not None
    backlog.fail(a, now_ms=5, why="500")
    backlog.finish(b)
    backlog.finish(b)
    place = backlog.place(moves=0, writes=1)
    assert (place.pos, place.offset, place.first_offset) == (3, 4, 0)
    assert (place.held["a"].pos, place.held["a"].tries, place.held["a"].why) == (0, 1, "500")
    backlog.finish(a)
    assert backlog.place(0, 2).held["a"].pos == 2
    backlog.finish(a)
    assert backlog.place(0, 3).held == {}


def test_only_so_many_events_wait() -> None:
    backlog = Backlog(START)
    lanes = [backlog.take(str(n), entry(n)) for n in range(WAITING)]
    assert backlog.is_full()
    assert lanes[0] is not None
    backlog.finish(lanes[0])
    assert not backlog.is_full()


@given(st.lists(st.sampled_from("abc-"), max_size=30), st.integers(0, 2**32))
def test_every_event_is_done_in_its_rooms_order_over_failures_and_crashes(
    rooms: list[str], seed: int
) -> None:
    """`-` is a record that the subscription does not get."""
    choose = random.Random(seed)
    done: dict[str, list[int]] = {room: [] for room in "abc"}
    place = START
    backlog, read, crashes = Backlog(place), 0, 3
    while read < len(rooms) or backlog.lanes:
        act = choose.choice(["read", "read", "finish", "fail", "store", "crash"])
        lanes = list(backlog.lanes.values())
        if act == "read" and read < len(rooms):
            if rooms[read] == "-":
                # Some are no events at all, and stand where nobody numbers them.
                stray = choose.choice([NOTHING, Position(0, read)])
                backlog.pass_over(stray, read, read)
            else:
                backlog.take(rooms[read], entry(read))
            read += 1
        elif act == "finish" and lanes:
            lane = choose.choice(lanes)
            done[lane.name].append(lane.entries[0].offset)
            backlog.finish(lane)
        elif act == "fail" and lanes:
            backlog.fail(choose.choice(lanes), now_ms=1, why="500")
        elif act == "store":
            place = backlog.place(0, 0)
        elif act == "crash" and crashes:
            crashes -= 1
            backlog, read = Backlog(place), place.first_offset
    for name, numbers in done.items():
        expected = [number for number, room in enumerate(rooms) if room == name]
        # Doubles come after a crash alone; without them each comes once, in order.
        assert list(dict.fromkeys(numbers)) == expected
    last = backlog.place(0, 0)
    assert (last.offset, last.held) == (len(rooms), {})
    assert len(backlog) == 0


def test_a_stored_place_makes_nothing_be_done_twice_that_it_knows_of() -> None:
    backlog = Backlog(START)
    for number, room in enumerate("abab"):
        backlog.take(room, entry(number))
    a, b = backlog.lanes["a"], backlog.lanes["b"]
    backlog.fail(a, 1, "no")
    backlog.finish(b)
    again = Backlog(backlog.place(0, 0))
    taken = [again.take(room, entry(number)) for number, room in enumerate("abab")]
    assert [lane is not None for lane in taken] == [True, False, True, True]
