"""The deployment: its id, the epochs of its log, and the origins of its commands.

A fold of `chat.deployment`. Each beginning counts once, however often it was written: two workers
may find the same thing at the same time, and a copy of the topic may have a record twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from app.domain.cursor import Cursor, digest_of
from app.events import (
    AnyBeginning,
    DeploymentKept,
    DeploymentMade,
    DeploymentMoved,
    EpochBegun,
    Erasure,
    HomesGiven,
    KeysDerived,
    OriginBegun,
)


class Resumed(NamedTuple):
    """The `pos` that a reader gets next in each partition.

    In the `rewound` partitions the reader has seen events that are no part of the log any more.
    """

    nexts: tuple[int, ...]
    rewound: frozenset[int]


class Deployment(NamedTuple):
    """What the topic says; `id` is empty where it says nothing yet.

    `epochs` are in the order in which they were begun, over all partitions; a cursor names how many
    of them it has seen. `origins` are those of topics whose offsets are remembered elsewhere.
    `moved_to` is the broker of the Kafka cluster where the deployment goes on; empty: it is here.
    From `keys_from_ms` on edges sign with a key for each purpose; `None`: that was not said yet.
    `homes` has the region of each partition; it is empty in a deployment of one region.
    """

    id: str = ""
    epochs: tuple[EpochBegun, ...] = ()
    origins: tuple[OriginBegun, ...] = ()
    moved_to: str = ""
    keys_from_ms: int | None = None
    homes: tuple[str, ...] = ()

    def home(self, partition: int) -> str:
        """The region in which a partition is at home; empty in a deployment of one region."""
        return self.homes[partition] if partition < len(self.homes) else ""

    def derives_keys(self, at_ms: int) -> bool:
        """Whether an edge that starts at this time signs with a key for each purpose."""
        return self.keys_from_ms is not None and at_ms >= self.keys_from_ms

    def epoch(self, partition: int) -> int:
        """The epoch of a partition of the log: 0 until one was begun."""
        return max((one.epoch for one in self.epochs if one.partition == partition), default=0)

    def origin(self, topic: str, partition: int) -> int:
        """The origin of a partition of a topic: 0 until one was begun."""
        place = (topic, partition)
        begun = (one.origin for one in self.origins if (one.topic, one.partition) == place)
        return max(begun, default=0)

    def digests(self) -> list[bytes]:
        """What cursors name the log by: after each epoch that was begun, another digest.

        The last one is that of new cursors.
        """
        ids = [self.id]
        for one in self.epochs:
            ids.append(f"{ids[-1]} {one.partition}/{one.epoch}/{one.start}")
        return [digest_of(log_id) for log_id in ids]

    def resumed(self, cursor: Cursor) -> Resumed | None:
        """Where a reader with this cursor goes on; `None` where it is of another deployment."""
        digests = self.digests()
        if cursor.digest not in digests:
            return None
        seen = digests.index(cursor.digest)
        cuts = [self.cut_since(partition, seen) for partition in range(len(cursor.nexts))]
        pairs = list(zip(cursor.nexts, cuts, strict=True))
        return Resumed(
            tuple(at if cut is None else min(at, cut) for at, cut in pairs),
            frozenset(p for p, (at, cut) in enumerate(pairs) if cut is not None and at > cut),
        )

    def cut_since(self, partition: int, seen: int) -> int | None:
        """The lowest `pos` at which an epoch after the first `seen` ones began; `None`: none did.

        A reader with a position at or below it has seen nothing that is no part of the log now.
        """
        later = (one.start for one in self.epochs[seen:] if one.partition == partition)
        return min(later, default=None)

    def cut_after(self, partition: int, epoch: int) -> int | None:
        """The lowest `pos` at which an epoch above `epoch` began; `None` where none did."""
        later = (
            one.start for one in self.epochs if one.partition == partition and one.epoch > epoch
        )
        return min(later, default=None)

    def erased(self, erasure: Erasure) -> tuple[int, ...]:
        """The ends of an erasure in the log as it is now: an end beyond a later epoch is cut."""
        return tuple(
            min([end, *self._starts_after(erasure, partition)])
            for partition, end in enumerate(erasure.ends)
        )

    def _starts_after(self, erasure: Erasure, partition: int) -> list[int]:
        here = [one for one in self.epochs if one.partition == partition]
        if erasure.epochs:
            known = erasure.epochs[partition] if partition < len(erasure.epochs) else 0
            return [one.start for one in here if one.epoch > known]
        return [one.start for one in here if one.at_ms > erasure.until_ms]


def deployment_of(beginnings: Iterable[AnyBeginning]) -> Deployment:
    """The deployment according to the records of its topic, in their order.

    The first id counts, and so do the first time of the keys and the first homes. An epoch or
    origin counts if it is above the one before it.
    """
    known = Deployment()
    for one in beginnings:
        match one:
            case DeploymentMade() if not known.id:
                known = known._replace(id=one.id)
            case EpochBegun() if one.epoch > known.epoch(one.partition):
                known = known._replace(epochs=(*known.epochs, one))
            case OriginBegun() if one.origin > known.origin(one.topic, one.partition):
                known = known._replace(origins=(*known.origins, one))
            case DeploymentMoved():
                known = known._replace(moved_to=one.to)
            case DeploymentKept():
                known = known._replace(moved_to="")
            case HomesGiven() if not known.homes:
                known = known._replace(homes=one.homes)
            case KeysDerived() if known.keys_from_ms is None:
                known = known._replace(keys_from_ms=one.from_ms)
    return known
