from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain.event_merge import Item, merge

ROOMS = {"a": 0, "b": 0, "c": 1}


@st.composite
def logs(draw: st.DrawFn) -> list[Item]:
    """Two partitions' logs: rooms `a` and `b` share one."""
    offsets, numbers, items = [0, 0], dict.fromkeys(ROOMS, 0), []
    for room in draw(st.lists(st.sampled_from(sorted(ROOMS)), max_size=25)):
        partition = ROOMS[room]
        numbers[room] += 1
        items.append(Item(room, numbers[room], partition, offsets[partition], b""))
        offsets[partition] += 1
    return items


@given(logs(), st.data())
def test_missed_and_waiting_events_come_once_and_in_order(
    log: list[Item], data: st.DataObject
) -> None:
    split = data.draw(st.integers(0, len(log)))
    overlap = data.draw(st.integers(0, split))
    missed, waiting = log[:split], log[overlap:]
    joined = [item for item, _ in merge((0, 0), [*waiting, *missed])]
    for room in ROOMS:
        assert [item.n for item in joined if item.room == room] == [
            item.n for item in log if item.room == room
        ]


@given(logs(), st.data())
def test_whoever_stops_anywhere_resumes_with_what_is_left(
    log: list[Item], data: st.DataObject
) -> None:
    joined = merge((0, 0), log)
    got = data.draw(st.integers(0, len(joined)))
    stands = joined[got - 1][1] if got else (0, 0)
    left = [item for item in log if item.pos >= stands[item.partition]]
    assert sorted(left) == sorted(item for item, _ in joined[got:])
