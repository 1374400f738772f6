"""The deployment: its id, the epochs of its log, the origins of its commands, and its homes.

A fold of `chat.deployment`. Each beginning counts once, however often it was written: two workers
may find the same thing at the same time, and a copy of the topic may have a record twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from app.domain import homes as home_changes
from app.domain import log_identity
from app.domain.cursor import Cursor
from app.domain.homes import HomeChange
from app.domain.lineage import Lineage, lineage_of
from app.events import (
    AnyBeginning,
    DeploymentKept,
    DeploymentMade,
    DeploymentMoved,
    EpochBegun,
    Erasure,
    HomeLeft,
    HomesGiven,
    HomeTaken,
    HomeWanted,
    KeysDerived,
    OriginBegun,
    Position,
    TailDropped,
)
from app.topics import RAW


class Resumed(NamedTuple):
    """The `pos` that a reader gets next in each partition.

    In the `rewound` partitions the reader has seen events that are no part of the log any more.
    """

    nexts: tuple[int, ...]
    rewound: frozenset[int]


class Deployment(NamedTuple):
    """What the topic says; `id` is empty where it says nothing yet.

    `epochs` are in the order in which this cluster has them, over all partitions; a cursor names
    those that it has seen. `origins` are those of topics whose offsets are remembered elsewhere.
    `moved_to` is the broker of the Kafka cluster where the deployment goes on; empty: it is here.
    From `keys_from_ms` on edges sign with a key for each purpose; `None`: that was not said yet.

    `homes` has the first home of each partition; it is empty in a deployment of one region.
    `regions` are the first regions in their order; empty where that was not said.
    `changes` has the last change of each partition's home, and `wishes` what a person wanted last.
    """

    id: str = ""
    epochs: tuple[EpochBegun, ...] = ()
    origins: tuple[OriginBegun, ...] = ()
    moved_to: str = ""
    keys_from_ms: int | None = None
    homes: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    changes: Mapping[int, HomeChange] = MappingProxyType({})
    wishes: Mapping[int, HomeWanted] = MappingProxyType({})
    dropped: tuple[TailDropped, ...] = ()

    def home(self, partition: int, here: str = "") -> str:
        """The region in which a partition is at home; empty in a deployment of one region.

        While a home is on its way, the region `here` that is to take it is not at home yet.
        """
        if (change := self.changes.get(partition)) is not None:
            return home_changes.home_after(change, here)
        return self.homes[partition] if partition < len(self.homes) else ""

    def wish(self, partition: int) -> HomeWanted | None:
        """What a person wants of the present home; `None`: that it stays."""
        return home_changes.valid(self.wishes.get(partition), self.changes.get(partition))

    def derives_keys(self, at_ms: int) -> bool:
        """Whether an edge that starts at this time signs with a key for each purpose."""
        return self.keys_from_ms is not None and at_ms >= self.keys_from_ms

    def epoch(self, partition: int) -> int:
        """The epoch of a partition of the log: 0 until one was begun."""
        return self.lineage(partition).epoch

    def taken_over(self, partition: int, region: str) -> EpochBegun | None:
        """The partition's epoch, if this region began it by taking the partition over.

        Nothing in this region was from beyond its start then.
        """
        newest = self.epoch(partition)
        for one in self.epochs:
            if (one.partition, one.epoch) == (partition, newest):
                return one if one.lost and one.home == region else None
        return None

    def lineage(self, partition: int) -> Lineage:
        """Which events of a partition are a part of the log."""
        return lineage_of(self.epochs, partition)

    def has(self, partition: int, position: Position) -> bool:
        """Whether the event with this position is a part of the log."""
        return not self.epochs or self.lineage(partition).has(position)

    def origin(self, topic: str, partition: int) -> int:
        """The origin of a partition of a topic: 0 until one was begun."""
        here = self.topic_origin(topic, partition)
        return max(here, self.home_origin(partition)) if topic == RAW else here

    def topic_origin(self, topic: str, partition: int) -> int:
        """The origin of a partition since the topic began anew in this cluster; 0: it has not."""
        place = (topic, partition)
        begun = [one.origin for one in self.origins if (one.topic, one.partition) == place]
        return max(begun, default=0)

    def home_origin(self, partition: int) -> int:
        """The origin of commands since the partition got its home; 0: it is the first one."""
        change = self.changes.get(partition)
        return 0 if change is None else change.origin

    def digest(self) -> bytes:
        """What new cursors name the log by; after each epoch that was begun it is another."""
        return log_identity.digest(self.id, self.epochs)

    def resumed(self, cursor: Cursor) -> Resumed | None:
        """Where a reader with this cursor goes on; `None` where it is of another deployment."""
        seen = log_identity.seen(self.id, self.epochs, cursor.digest)
        if seen is None:
            return None
        known = [0] * len(cursor.nexts)
        for one in seen:
            if one.partition < len(known):
                known[one.partition] = max(known[one.partition], one.epoch)
        cuts = [self.cut_after(partition, epoch) for partition, epoch in enumerate(known)]
        pairs = list(zip(cursor.nexts, cuts, strict=True))
        return Resumed(
            tuple(at if cut is None else min(at, cut) for at, cut in pairs),
            frozenset(p for p, (at, cut) in enumerate(pairs) if cut is not None and at > cut),
        )

    def cut_after(self, partition: int, epoch: int) -> int | None:
        """The lowest `pos` from which on a reader of this epoch knows another log than the present.

        `None` where there is none. A reader with a position at or below it has seen nothing that is
        no part of the log now.
        """
        return self.lineage(partition).cut_after(epoch)

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
    origin counts if it is above the one before it; the epochs of several regions count all.
    """
    known = Deployment()
    for one in beginnings:
        match one:
            case DeploymentMade() if not known.id:
                known = known._replace(id=one.id)
            case EpochBegun() if _counts(one, known):
                known = known._replace(epochs=(*known.epochs, one))
                if one.home:
                    known = _changed(known, one)
            case OriginBegun() if one.origin > known.origin(one.topic, one.partition):
                known = known._replace(origins=(*known.origins, one))
            case DeploymentMoved():
                known = known._replace(moved_to=one.to)
            case DeploymentKept():
                known = known._replace(moved_to="")
            case HomesGiven() if not known.homes:
                known = known._replace(homes=one.homes, regions=one.regions)
            case HomeLeft() | HomeTaken():
                known = _changed(known, one)
            case HomeWanted():
                known = known._replace(wishes={**known.wishes, one.partition: one})
            case TailDropped() if one not in known.dropped:
                known = known._replace(dropped=(*known.dropped, one))
            case KeysDerived() if known.keys_from_ms is None:
                known = known._replace(keys_from_ms=one.from_ms)
    return known


def _counts(one: EpochBegun, known: Deployment) -> bool:
    """Whether an epoch is another one. Regions begin some without knowing of each other's."""
    if not one.home:
        return one.epoch > known.epoch(one.partition)
    place = (one.partition, one.epoch)
    return all((other.partition, other.epoch) != place for other in known.epochs)


def _changed(known: Deployment, change: HomeChange) -> Deployment:
    last = known.changes.get(change.partition)
    if last is not None and home_changes.order(change) <= home_changes.order(last):
        return known
    return known._replace(changes={**known.changes, change.partition: change})
