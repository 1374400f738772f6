"""A stall is distinguished from having nothing to do."""

from __future__ import annotations

from app.domain.stall_detection import Observation, StallState, next_stall_state


def looks(*sights: tuple[int, bool]) -> StallState:
    """The standing after a look each second."""
    now: StallState | None = None
    for at, (progress, has_work) in enumerate(sights):
        now = next_stall_state(now, Observation((progress,), has_work), float(at))
    assert now is not None
    return now


def test_it_stands_still_since_it_last_did_something_though_there_was_more() -> None:
    assert looks((1, True), (2, True), (2, True), (2, True)).since == 1.0


def test_whoever_has_nothing_to_do_does_not_stand_still() -> None:
    assert looks((2, False), (2, False), (2, False)).since == 2.0


def test_the_time_without_work_does_not_count() -> None:
    assert looks((2, False), (2, False), (2, True), (2, True)).since == 2.0
