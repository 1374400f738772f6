"""Calls: messages that become one, and what becomes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from app.domain.push.calls import KEPT_MS, TRIED_MS, Call, Fate, Seen, begun, failed, fate
from app.events import Position

CALL = Call(epoch=0, pos=9, n=7, seq=5, first=5, at_ms=1_000, due_ms=11_000)
#: A member who is to be called.
CALLED = Seen(member=True, absent=True, muted=False, read=4)


def test_an_absent_member_who_has_not_read_it_is_called() -> None:
    assert fate(CALL, CALLED, 11_000) is Fate.SENT


@pytest.mark.parametrize(
    "seen",
    [
        replace(CALLED, member=False),
        replace(CALLED, absent=False),
        replace(CALLED, muted=True),
        replace(CALLED, read=5),
        replace(CALLED, deleted=True),
        replace(CALLED, banned=True),
    ],
)
def test_a_call_is_withdrawn(seen: Seen) -> None:
    assert fate(CALL, seen, 11_000) is Fate.WITHDRAWN


def test_a_deleted_message_does_not_withdraw_those_before_it() -> None:
    call = replace(CALL, first=4)
    assert fate(call, Seen(True, True, False, read=2, deleted=True), 11_000) is Fate.SENT
    assert fate(call, Seen(True, True, False, read=4, deleted=True), 11_000) is Fate.WITHDRAWN


def test_a_call_of_yesterday_is_withdrawn() -> None:
    assert fate(CALL, CALLED, CALL.at_ms + KEPT_MS) is Fate.SENT
    assert fate(CALL, CALLED, CALL.at_ms + KEPT_MS + 1) is Fate.WITHDRAWN


@given(st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=1, max_size=20))
def test_messages_of_a_room_are_one_call_that_is_due_with_the_first(
    steps: list[tuple[int, bool]],
) -> None:
    call, pos, now = None, 0, 0
    versions = []
    for step, mentioned in steps:
        pos, now = pos + step, now + step
        call = begun(call, Position(0, pos), pos, pos, now, now + 10, mentioned)
        versions += [call.version, call.end_version]
    assert call is not None
    assert call.due_ms == steps[0][0] + 10
    assert (call.first, call.seq) == (steps[0][0], pos)
    assert call.mentioned == any(mentioned for _, mentioned in steps)
    assert versions == sorted(set(versions))


def test_a_failed_call_is_tried_again_ever_later_and_given_up_in_the_end() -> None:
    call, now, pauses = CALL, CALL.due_ms, []
    while (again := failed(call, ("one",), now, 0)) is not None:
        pauses.append(again.due_ms - now)
        assert again.left == ("one",)
        assert again.version == CALL.version
        call, now = again, again.due_ms
    assert pauses == sorted(pauses)
    assert pauses[0] == 500
    assert pauses[-1] == 60_000
    assert now > CALL.at_ms + TRIED_MS


def test_a_push_service_may_ask_for_a_longer_pause() -> None:
    again = failed(CALL, ("one",), 20_000, 90_000)
    assert again is not None
    assert again.due_ms == 110_000


def test_what_all_have_taken_is_not_tried_again() -> None:
    assert failed(CALL, (), 20_000, 0) is None
