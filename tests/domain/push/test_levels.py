"""Levels, hours of quiet, and mutes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.push.levels import Levels, is_within
from app.events import NotifyRoom, NotifyUser, Quiet

CASES = json.loads(Path(__file__).with_name("levels.json").read_text())

minutes = st.integers(0, 24 * 60 - 1)
levels = st.sampled_from(["all", "mentions", "none"])


def said(case: dict[str, Any]) -> Levels:
    rooms = {
        room: NotifyRoom(user="ann", room=room, at_ms=1, level=level)
        for room, level in case.get("rooms", {}).items()
    }
    if "all" not in case:
        return Levels(rooms=rooms)
    return Levels(NotifyUser(user="ann", at_ms=1, level=case["all"]), rooms)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["says"])
def test_the_level_of_the_room_counts_before_that_of_all(case: dict[str, Any]) -> None:
    assert said(case).wants(case["room"], mentioned=case["mentioned"]) == case["wants"]


@given(levels, st.none() | levels, st.sampled_from(["tea", "dm-1"]))
def test_a_mention_is_never_wanted_less_than_a_message(of_all: Any, own: Any, room: str) -> None:
    found = Levels(
        NotifyUser(user="ann", at_ms=1, level=of_all),
        {room: NotifyRoom(user="ann", room=room, at_ms=1, level=own)},
    )
    assert found.wants(room, mentioned=True) >= found.wants(room, mentioned=False)


@given(minutes, minutes, minutes)
def test_quiet_hours_and_the_others_are_the_whole_day(begins: int, ends: int, minute: int) -> None:
    quiet, others = Quiet(begins, ends, "UTC"), Quiet(ends, begins, "UTC")
    if begins == ends:
        assert not is_within(quiet, minute)
    else:
        assert is_within(quiet, minute) != is_within(others, minute)


def test_quiet_hours_may_last_over_midnight() -> None:
    quiet = Quiet(22 * 60, 7 * 60, "UTC")
    assert [hour for hour in range(24) if is_within(quiet, hour * 60)] == [*range(7), 22, 23]
    assert not is_within(quiet, 7 * 60)
    assert is_within(quiet, 7 * 60 - 1)


@given(st.integers(0, 10), st.integers(0, 10), st.integers(0, 10))
def test_a_mute_holds_until_its_time_for_its_room_or_for_all(
    of_all: int, of_room: int, now: int
) -> None:
    found = Levels(
        NotifyUser(user="ann", at_ms=1, mute_until_ms=of_all),
        {"tea": NotifyRoom(user="ann", room="tea", at_ms=1, mute_until_ms=of_room)},
    )
    assert found.is_muted("tea", now, None) == (now < max(of_all, of_room))
    assert found.is_muted("coffee", now, None) == (now < of_all)
