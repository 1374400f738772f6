from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from app.domain.room_pages import Place, begun_at, page

ROOMS = [f"room{i}" for i in range(12)]


@given(
    st.dictionaries(st.sampled_from(ROOMS), st.integers(1, 20), min_size=1),
    st.integers(1, 5),
    st.lists(st.lists(st.sampled_from(ROOMS), max_size=3), max_size=12),
)
def test_a_room_that_gets_messages_between_pages_is_on_one_page_and_on_one_alone(
    times: dict[str, int], limit: int, bumps: Sequence[Sequence[str]]
) -> None:
    """Also one that is opened meanwhile, and the one that a page ends with."""
    now = dict(times)
    clock = begun_at(times.values())
    place: Place | None = None
    seen: list[str] = []
    opened: set[str] = set()
    for bumped in [*bumps, *([] for _ in ROOMS)]:
        begun = begun_at(now.values()) if place is None else place.begun
        # What the edge knows: the present time, and of what moved since the time before that.
        then = {
            room: at_ms if at_ms <= begun else times.get(room, 0) for room, at_ms in now.items()
        }
        rooms, place = page(then, begun, place, limit)
        assert len(rooms) <= limit
        seen += rooms
        if place is None:
            break
        for room in bumped:
            clock += 1
            opened |= set() if room in now else {room}
            now[room] = clock
    assert len(set(seen)) == len(seen)
    assert set(seen) >= set(times)
    assert set(seen) - set(times) <= opened
    began = [room for room in seen if room in times]
    assert began == sorted(times, key=lambda room: (-times[room], room))
