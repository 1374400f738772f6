from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain.presence import GRACE_MS, MOST, Presence, after, may_see, next_version, status

steps = st.lists(
    st.tuples(st.sampled_from(["opened", "closed"]), st.sampled_from("abc")), max_size=20
)


@given(steps)
def test_whoever_has_a_stream_open_is_online(taken: list[tuple[str, str]]) -> None:
    presence, open_now = None, set()
    for at_ms, (what, connection) in enumerate(taken):
        presence = after(presence, what, connection, "edge", at_ms)
        (open_now.add if what == "opened" else open_now.discard)(connection)
    presence = presence or Presence()
    assert set(presence.open) == open_now
    seen = status(presence, {"edge"}, away=False, now_ms=10 * GRACE_MS)
    assert seen == ("online" if open_now else "offline")


def test_a_stream_that_drops_for_some_seconds_is_no_going_away() -> None:
    gone = after(after(None, "opened", "a", "edge", 0), "closed", "a", "edge", 1000)
    assert status(gone, {"edge"}, away=False, now_ms=1000 + GRACE_MS - 1) == "online"
    assert status(gone, {"edge"}, away=False, now_ms=1000 + GRACE_MS) == "offline"


def test_an_edge_that_died_takes_its_streams_with_it() -> None:
    left = after(None, "opened", "a", "dead", 0)
    assert status(left, {"other"}, away=False, now_ms=GRACE_MS) == "offline"
    assert status(left, {"dead"}, away=True, now_ms=GRACE_MS) == "away"


def test_the_oldest_of_too_many_streams_falls_out() -> None:
    presence = None
    for number in range(MOST + 3):
        presence = after(presence, "opened", str(number), "edge", number)
    assert presence is not None
    assert list(presence.open) == [str(number) for number in range(3, MOST + 3)]


def test_who_may_see_is_a_rule() -> None:
    assert may_see("everyone", {}, {})
    assert not may_see("nobody", {"r": 1}, {"r": 2})
    assert may_see("rooms", {"r": 1}, {"r": 2, "s": 1})
    assert not may_see("rooms", {"q": 1}, {"r": 2})


def test_the_version_is_the_offset_and_grows_on_in_a_topic_that_was_made_anew() -> None:
    assert next_version(None, 7, 8) == 7
    assert next_version(Presence(version=7), 9, 10) == 9
    assert next_version(Presence(version=9), 7, 10) == 7  # the record came again
    assert next_version(Presence(version=9), 0, 1) == 10
    assert next_version(Presence(version=9), 7, None) == 7
