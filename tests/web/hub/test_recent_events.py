"""The events of late, and where cursors stand among them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from web.hub.event import Live
from web.hub.recent_events import Recent
from web.hub.room import Room

ROOM = Room("room", 0)


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 20))
def test_a_cursor_that_is_known_is_followed_by_exactly_what_came_after_it(
    steps: list[bool], most: int
) -> None:
    recent, lives = Recent(most=most), []
    for i, is_event in enumerate(steps):
        if is_event:
            live = Live(ROOM, i, i, b"{}", f"c{i}")
            lives.append(live)
            recent.add(live)
        else:
            recent.issue(f"c{i}")
    for i in range(len(steps)):
        place = recent.places.get(f"c{i}")
        if place is not None:
            assert recent.after(place) == [live for live in lives if live.n > i]
    if steps:
        assert recent.places.get(f"c{len(steps) - 1}") is not None
