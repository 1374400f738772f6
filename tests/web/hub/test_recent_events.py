"""The events of late, and where cursors stand among them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from web.hub.event import Event
from web.hub.recent_events import RecentEvents


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 20))
def test_a_cursor_that_is_known_is_followed_by_exactly_what_came_after_it(
    steps: list[bool], most: int
) -> None:
    recent, events = RecentEvents(max_events=most), []
    for i, is_event in enumerate(steps):
        if is_event:
            event = Event("room", 0, i, i, b"{}", f"c{i}")
            events.append(event)
            recent.add(event)
        else:
            recent.issue(f"c{i}")
    for i in range(len(steps)):
        place = recent.places.get(f"c{i}")
        if place is not None:
            assert recent.after(place) == [event for event in events if event.n > i]
    if steps:
        assert recent.places.get(f"c{len(steps) - 1}") is not None
