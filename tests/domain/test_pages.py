from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain import pages

HEADS = st.integers(0, 60)
BOUNDS = st.none() | st.integers(0, 70)
LIMITS = st.integers(1, 25)


@given(HEADS, BOUNDS, BOUNDS, LIMITS)
def test_a_page_is_what_a_list_of_all_messages_would_give(
    head: int, before: int | None, after: int | None, limit: int
) -> None:
    between = [
        seq
        for seq in range(1, head + 1)
        if (before is None or seq < before) and (after is None or seq > after)
    ]
    expected = between[-limit:] if after is None else between[:limit]
    assert list(pages.wanted(head, before, after, limit)) == expected


@given(HEADS, BOUNDS, BOUNDS, LIMITS, st.data())
def test_a_late_store_and_a_window_that_reaches_back_to_it_fill_every_page(
    head: int, before: int | None, after: int | None, limit: int, data: st.DataObject
) -> None:
    stored_to = data.draw(st.integers(0, head))
    window_from = data.draw(st.integers(1, stored_to + 1))
    stored = {seq: b"%d" % seq for seq in range(1, stored_to + 1)}
    newest = {seq: b"%d" % seq for seq in range(window_from, head + 1)}
    page = pages.wanted(head, before, after, limit)
    assert pages.filled(page, {**stored, **newest}, upward=after is not None) == page


@given(HEADS, BOUNDS, LIMITS, st.sets(st.integers(1, 60)), st.booleans())
def test_a_hole_ends_the_page_and_is_never_jumped_over(
    head: int, bound: int | None, limit: int, there: set[int], upward: bool
) -> None:
    before, after = (None, bound or 0) if upward else (bound, None)
    page = pages.wanted(head, before, after, limit)
    found = pages.filled(page, dict.fromkeys(there, b""), upward=upward)
    assert set(found) <= there
    if found:
        assert found[0 if upward else -1] == page[0 if upward else -1]
    if len(found) < len(page):
        missing = page[len(found)] if upward else page[-1 - len(found)]
        assert missing not in there
