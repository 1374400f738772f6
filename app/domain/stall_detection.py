"""How long a group that has work has made no progress."""

from __future__ import annotations

from typing import NamedTuple


class Observation(NamedTuple):
    """A group at one moment.

    `progress` changes with every step: batches acknowledged, offsets reached in partitions.
    `has_work` is whether there is anything to do.
    """

    progress: tuple[object, ...]
    has_work: bool


class StallState(NamedTuple):
    """An observation, and the second since which there was work and no progress."""

    observation: Observation
    since: float


def next_stall_state(before: StallState | None, now: Observation, at: float) -> StallState:
    """The state after another observation, `at` seconds on any clock that never goes back."""
    moved = before is None or before.observation.progress != now.progress
    if moved or not now.has_work or not (before and before.observation.has_work):
        return StallState(now, at)
    return StallState(now, before.since)
