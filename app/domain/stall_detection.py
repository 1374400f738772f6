"""When a group that has something to do has stood still for too long."""

from __future__ import annotations

from typing import NamedTuple


class Observation(NamedTuple):
    """How a group looks at one moment.

    `progress` changes with whatever is done: batches settled, offsets reached in partitions.
    `has_work` says that there is something to do.
    """

    progress: tuple[object, ...]
    has_work: bool


class StallState(NamedTuple):
    """A sight, and the second since which nothing has changed while there was something to do."""

    observation: Observation
    since: float


def next_stall_state(before: StallState | None, now: Observation, at: float) -> StallState:
    """The standing after one more look, `at` seconds on any clock that never goes back."""
    moved = before is None or before.observation.progress != now.progress
    if moved or not now.has_work or not (before and before.observation.has_work):
        return StallState(now, at)
    return StallState(now, before.since)
