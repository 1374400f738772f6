"""The lineage of a partition's log: which of its events are a part of it.

The log of an epoch goes on where that of the epoch before it ended, at the `start` of the new one.
Two regions may begin epochs without knowing of each other. The higher number counts, and the epoch
that it does not follow from is no part of the log.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from app.events import EpochBegun, Position

#: The most regions of a deployment. Each begins epochs of numbers that no other takes.
MAX_REGIONS: Final = 16


class _Begun(NamedTuple):
    start: int
    after: int


class Lineage:
    """The epochs of one partition, of which the highest counts; 0 is the first."""

    def __init__(self, epochs: Iterable[EpochBegun] = ()) -> None:
        self._begun: dict[int, _Begun] = {}
        for one in sorted(epochs, key=lambda one: one.epoch):
            after = one.after if one.home else max(self._begun, default=0)
            self._begun[one.epoch] = _Begun(one.start, after)
        self.epoch: Final = max(self._begun, default=0)
        #: The epochs of the log, from the newest down to 0.
        self._chain = list(self._ancestry(self.epoch))

    def _ancestry(self, epoch: int) -> Iterable[int]:
        while epoch:
            yield epoch
            epoch = self._before(epoch)
        yield 0

    def _before(self, epoch: int) -> int:
        """The epoch that this one follows; of an unknown one the next lower one."""
        if (known := self._begun.get(epoch)) is not None and known.after < epoch:
            return known.after
        return max((one for one in self._begun if one < epoch), default=0)

    def cut_after(self, epoch: int) -> int | None:
        """The lowest `pos` at which the log is another than a reader of this epoch knows.

        `None`: it is no other, or the epoch is newer than all that are known here.
        """
        if epoch > self.epoch:
            return None
        starts: list[int] = []
        while epoch not in self._chain:
            if epoch in self._begun:
                starts.append(self._begun[epoch].start)
            epoch = self._before(epoch)
        starts += [self._begun[one].start for one in self._chain if one > epoch]
        return min(starts, default=None)

    def known_to(self, epoch: int) -> int:
        """The newest epoch of the log that a reader of this epoch knows as it is, or -1.

        Of an epoch that both a part of the log and another one followed, it may know another end.
        """
        cut = self.cut_after(epoch)
        if cut is None or epoch in self._chain:
            return epoch
        ends = ((one, self.cut_after(one)) for one in self._chain)
        return next((one for one, end in ends if end is not None and end <= cut), -1)

    def has(self, position: Position) -> bool:
        """Whether the event with this position is a part of the log, if it was ever written."""
        cut = self.cut_after(position.epoch)
        return cut is None or position.pos < cut


@lru_cache(maxsize=256)
def lineage_of(epochs: tuple[EpochBegun, ...], partition: int) -> Lineage:
    """The lineage of a partition, of all partitions' epochs."""
    return Lineage(one for one in epochs if one.partition == partition)


def next_epoch(known: int, rank: int) -> int:
    """The number of the next epoch above `known` that the region of this rank may begin.

    Numbers of different ranks differ, so that no two regions begin the same epoch.
    """
    number = known - known % MAX_REGIONS + rank
    return number if number > known else number + MAX_REGIONS
