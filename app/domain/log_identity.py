"""What cursors name the log by: a digest of the epochs that their edge had seen.

Each region learns of the epochs of another in the order in which those were begun, and of its own
earlier than the others do. So there is a digest for each number of epochs of each region.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from app.domain.cursor import digest_of
from app.events import EpochBegun


class _Lane(NamedTuple):
    """The epochs of one region in their order, and a number for each count of them."""

    epochs: Sequence[EpochBegun]
    numbers: Sequence[int]


def digest(log_id: str, epochs: tuple[EpochBegun, ...]) -> bytes:
    """The digest of a log after these epochs."""
    total = 0
    for lane in _lanes(log_id, epochs):
        total ^= lane.numbers[-1]
    return total.to_bytes(4, "big")


def seen(log_id: str, epochs: tuple[EpochBegun, ...], wanted: bytes) -> list[EpochBegun] | None:
    """The epochs after which the log had this digest; `None` where it never had."""
    *others, largest = sorted(_lanes(log_id, epochs), key=lambda lane: len(lane.numbers))
    counts = {number: count for count, number in enumerate(largest.numbers)}
    target = int.from_bytes(wanted, "big")
    for choice in product(*(range(len(lane.numbers)) for lane in others)):
        left = target
        for lane, count in zip(others, choice, strict=True):
            left ^= lane.numbers[count]
        if (last := counts.get(left)) is not None:
            pairs = [*zip(others, choice, strict=True), (largest, last)]
            return [one for lane, count in pairs for one in lane.epochs[:count]]
    return None


@lru_cache(maxsize=8)
def _lanes(log_id: str, epochs: tuple[EpochBegun, ...]) -> list[_Lane]:
    """A lane for each region, and first one for the epochs of a deployment of one region."""
    by_home: dict[str, list[EpochBegun]] = {"": []}
    for one in epochs:
        by_home.setdefault(one.home, []).append(one)
    found = []
    for home, theirs in by_home.items():
        numbers = [int.from_bytes(one, "big") for one in _digests(log_id, home, theirs)]
        found.append(_Lane(theirs, numbers))
    return found


def _digests(log_id: str, home: str, epochs: Iterable[EpochBegun]) -> Iterable[bytes]:
    """The digests of a lane; those of a region that has begun no epoch change nothing."""
    name = f"{log_id} {home}" if home else log_id
    yield bytes(4) if home else digest_of(name)
    for one in epochs:
        name = f"{name} {one.partition}/{one.epoch}/{one.start}"
        yield digest_of(name)
