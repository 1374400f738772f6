"""When a group that has something to do has stood still for too long."""

from __future__ import annotations

from typing import NamedTuple


class Sight(NamedTuple):
    """How a group looks at one moment.

    `mark` changes with whatever is done: batches settled, places reached in partitions. `owes`
    says that there is something to do.
    """

    mark: tuple[object, ...]
    owes: bool


class Standing(NamedTuple):
    """A sight, and the second since which nothing has changed while there was something to do."""

    sight: Sight
    since: float


def standing(before: Standing | None, now: Sight, at: float) -> Standing:
    """The standing after one more look, `at` seconds on any clock that never goes back."""
    moved = before is None or before.sight.mark != now.mark
    if moved or not now.owes or not (before and before.sight.owes):
        return Standing(now, at)
    return Standing(now, before.since)
