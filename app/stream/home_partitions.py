"""The partitions that are at home in this region, and how a home comes and goes.

The agent that writes `chat.log` writes the changes of a partition's home, too, so that no event of
its own follows them. Each change is in Kafka before the agent goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import structlog
from aiokafka.errors import KafkaError

from app.deployment.followed import FollowedDeployment
from app.deployment.log_reader import LogReader
from app.deployment.lost_commands import LostCommands
from app.deployment.other_regions import learn_of
from app.deployment.topic import begin
from app.domain.homes import HomeChange, order
from app.domain.lineage import next_epoch
from app.errors import Malformed, ParleyError
from app.events import (
    POS,
    SRC,
    AnyBeginning,
    EpochBegun,
    HomeLeft,
    HomeTaken,
    HomeWanted,
    decode_src,
    position_of,
)
from app.kafka.log_positions import header_of, offset_behind
from app.kafka.partition_reader import PartitionReader
from app.kafka.record import Record, record_of
from app.runtime.clock import now_ms
from app.settings import Settings
from app.stream.batch import Batch
from app.stream.log_catch_up import LogCatchUp
from app.topics import LOG, RAW, of_region

log = structlog.get_logger()

#: Seconds for what another region has written to come, and between two looks.
_PATIENCE: Final = 30.0
_PAUSE: Final = 0.1

#: Takes an event of the log of another region, named last, into this region's.
Follow = Callable[[Batch, Record, str], None]


class HomePartitions:
    """Which partitions this process writes, as their homes come and go.

    `follow` takes a record of another region's log that is the next of its partition. `lost` has
    the commands that this region had decided where it lost a home.
    """

    def __init__(
        self,
        settings: Settings,
        deployment: FollowedDeployment,
        positions: LogCatchUp,
        follow: Follow,
    ) -> None:
        self._settings = settings
        self._here = settings.region
        self._deployment = deployment
        self.lost = LostCommands(settings, deployment)
        self._log = positions
        self._follow = follow
        self._logs = {of_region(region, LOG): region for region in settings.other_regions}

    def elsewhere(self, partition: int) -> str:
        """The region that a partition is at home in; empty where it is at home here."""
        home = self._deployment.now.home(partition, self._here)
        return "" if home == self._here else home

    def origin(self, partition: int) -> int:
        """The origin of commands since the partition is at home here; earlier ones are void."""
        return self._deployment.now.home_origin(partition)

    def known_epoch(self, partition: int, epoch: int) -> int:
        """The newest epoch of the log that a command of this epoch knows the numbers of."""
        return self._deployment.now.lineage(partition).known_to(epoch)

    def is_due(self, partition: int) -> bool:
        """Whether a home is to come or to go, or another region has begun an epoch."""
        now = self._deployment.now
        if now.epoch(partition) > self._log.epochs.get(partition, 0):
            return True
        change, wish = now.changes.get(partition), now.wish(partition)
        if isinstance(change, HomeLeft) and change.to == self._here:
            return True
        if wish is None:
            return False
        home = now.home(partition, self._here)
        return home == self._here != wish.to or (wish.lost == home and wish.to == self._here)

    async def settle(self, batch: Batch) -> list[HomeWanted]:
        """Carry out what is due of the batch's partitions, and fill gaps; before its records.

        Returns the failovers that this call has carried out.
        """
        if news := self._unknown_epochs(batch):
            await self._learn(news)
            await self._log.follow(batch)
        for partition in sorted(batch.partitions):
            if self._lacks(batch, partition):
                await self._fill_gap(batch, partition)
        due = [one for one in sorted(batch.partitions) if self.is_due(one)]
        return await self._change(batch, due) if due and batch.is_current else []

    async def _change(self, batch: Batch, due: list[int]) -> list[HomeWanted]:
        """Change the homes of these partitions, all in one write: rooms wait meanwhile."""
        changes: list[HomeChange] = []
        over: list[HomeWanted] = []
        async with LogReader(self._settings) as reader:
            for partition in due:
                await self._fill(batch, reader, partition)
            # Before the changes: the start of each says that all before it is here.
            await batch.send_now()
            for partition in due:
                now = self._deployment.now
                change, wish = now.changes.get(partition), now.wish(partition)
                home = now.home(partition, self._here)
                if isinstance(change, HomeLeft) and change.to == self._here:
                    changes += self._taken(change)
                elif wish is None:
                    continue
                elif wish.lost == home and wish.to == self._here:
                    last = await _last_origin(reader, partition)
                    changes.append(self._taken_over(wish, last))
                    over.append(wish)
                elif home == self._here != wish.to and not wish.lost:
                    changes.append(self._left(wish))
        if changes:
            await self._write(changes)
        return over

    def _left(self, wish: HomeWanted) -> HomeLeft:
        partition = wish.partition
        return HomeLeft(
            partition=partition,
            by=self._here,
            to=wish.to,
            epoch=self._log.epochs[partition],
            term=self._next_term(partition),
            start=self._log.ends[partition] + 1,
            origin=self._deployment.now.origin(RAW, partition),
            at_ms=now_ms(),
        )

    def _taken(self, left: HomeLeft) -> list[HomeTaken]:
        """The home is taken as soon as every event of before is here; until then nothing."""
        partition = left.partition
        epoch, start = self._log.epochs[partition], self._log.ends[partition] + 1
        # Further on only where the former home was handed to another worker at that moment.
        if epoch != left.epoch or start < left.start:
            return []  # the agent looks again in a moment
        taken = HomeTaken(
            partition=partition,
            by=self._here,
            epoch=left.epoch,
            term=left.term + 1,
            start=start,
            origin=max(left.origin, self._deployment.now.origin(RAW, partition)) + 1,
            at_ms=now_ms(),
        )
        return [taken]

    def _taken_over(self, wish: HomeWanted, last_origin: int) -> EpochBegun:
        """An epoch begins behind the last event that has come of the region that is lost."""
        partition = wish.partition
        known = self._log.epochs[partition]
        return EpochBegun(
            partition=partition,
            epoch=next_epoch(known, self._settings.region_rank or 0),
            start=self._log.ends[partition] + 1,
            at_ms=now_ms(),
            why=f"{self._here} has taken it over from {wish.lost}",
            home=self._here,
            after=known,
            origin=1 + max(self._deployment.now.origin(RAW, partition), last_origin),
            lost=wish.lost,
        )

    async def _write(self, changes: Sequence[HomeChange]) -> None:
        """Write changes, and return when this process follows them."""
        await begin(self._settings, *changes)
        await self._deployment.until(
            lambda now: all(order(now.changes.get(one.partition)) >= order(one) for one in changes)
        )
        for one in changes:
            if isinstance(one, EpochBegun):
                self._log.epochs[one.partition] = one.epoch
            what, where = type(one).__name__, {"partition": one.partition, "start": one.start}
            log.warning("a home has changed", change=what, epoch=one.epoch, **where)

    def _next_term(self, partition: int) -> int:
        epoch, term = order(self._deployment.now.changes.get(partition))
        return term + 1 if epoch == self._log.epochs[partition] else 1

    # ── the logs of other regions ────────────────────────────────────────────────────────────

    def is_next(self, partition: int, record: Any) -> bool:
        """Whether a record of another region's log is the next event of the partition.

        Not, where it is known, is no part of the log, or lacks the events before it. Raises
        `Malformed` for a record without a valid position.
        """
        position = position_of(header_of(record, POS), record.offset)
        is_known = position.pos <= self._log.ends[partition]
        return not is_known and self._deployment.now.has(partition, position)

    def _unknown_epochs(self, batch: Batch) -> dict[str, tuple[int, int]]:
        """By region: a partition and an epoch of which its log has events, not known here yet."""
        found: dict[str, tuple[int, int]] = {}
        for record in batch.records:
            if (region := self._logs.get(record.topic)) is None:
                continue
            try:
                epoch = position_of(header_of(record, POS), record.offset).epoch
            except Malformed:
                continue
            if epoch > self._deployment.now.epoch(record.partition):
                found[region] = max(found.get(region, (0, 0)), (record.partition, epoch))
        return found

    async def _learn(self, news: dict[str, tuple[int, int]]) -> None:
        """Take over the epochs of other regions before the events in them."""
        loop = asyncio.get_running_loop()
        latest = loop.time() + _PATIENCE
        for region, (partition, epoch) in news.items():
            while self._deployment.now.epoch(partition) < epoch:
                if loop.time() > latest:
                    log.error("an epoch is unknown", region=region, epoch=epoch)
                    return
                async with PartitionReader(self._settings) as reader:
                    new = await learn_of(self._settings, reader, region, self._deployment.now)
                if new:
                    await self._deployment.until(lambda now, new=new: _has_all(now, new))  # type: ignore[misc]
                else:
                    await asyncio.sleep(_PAUSE)

    def _lacks(self, batch: Batch, partition: int) -> bool:
        """Whether the batch's events of other regions leave a gap in the partition."""
        end = self._log.ends[partition]
        for record in batch.records:
            if record.partition != partition or record.topic not in self._logs:
                continue
            try:
                if self.is_next(partition, record):
                    pos = position_of(header_of(record, POS), record.offset).pos
                    if pos > end + 1:
                        return True
                    end = max(end, pos)
            except Malformed:
                continue
        return False

    async def _fill_gap(self, batch: Batch, partition: int) -> None:
        """Wait for the events that are missing; raises `ParleyError` where they stay away."""
        loop = asyncio.get_running_loop()
        latest = loop.time() + _PATIENCE
        async with LogReader(self._settings) as reader:
            while self._lacks(batch, partition):
                if await self._fill(batch, reader, partition):
                    continue
                if await self._fill_from_afar(batch, partition):
                    continue
                if loop.time() > latest:
                    raise ParleyError(
                        f"partition {partition} of {LOG} lacks the events behind pos"
                        f" {self._log.ends[partition]}: no other region has them"
                    )
                await asyncio.sleep(_PAUSE)

    async def _fill(self, batch: Batch, reader: PartitionReader, partition: int) -> int:
        """Take every event that the mirror has brought and that is next; how many there were."""
        count = 0
        while True:
            before = count
            for topic, region in self._logs.items():
                count += await self._take_from(batch, reader, (topic, region), partition)
            if count == before:
                return count

    async def _fill_from_afar(self, batch: Batch, partition: int) -> int:
        """Take the events that are next from the clusters of other regions; how many there were.

        Each of them has the whole log. The mirror brings of each what that one wrote itself, and
        keeps it for some time.
        """
        count = 0
        for region, broker in self._settings.region_brokers.items():
            if region == self._here:
                continue
            try:
                there = LogReader(replace(self._settings, broker=broker))
                async with asyncio.timeout(_PATIENCE), there:
                    count += await self._take_from(batch, there, (LOG, region), partition)
            except (KafkaError, OSError) as error:
                log.info("a region does not say anything", region=region, why=repr(error))
        return count

    async def _take_from(
        self, batch: Batch, reader: PartitionReader, source: tuple[str, str], partition: int
    ) -> int:
        topic, region = source
        count = 0
        start = await offset_behind(reader, partition, self._log.ends[partition], topic)
        async for record in reader.read(topic, partition, start):
            try:
                pos = position_of(header_of(record, POS), record.offset).pos
                if pos == self._log.ends[partition] + 1 and self.is_next(partition, record):
                    self._follow(batch, record_of(record), region)
                    count += 1
            except Malformed as error:
                log.warning("not a log event", topic=topic, offset=record.offset, why=str(error))
        return count


def _has_all(now: Any, new: list[AnyBeginning]) -> bool:
    return all(one in now.epochs for one in new if isinstance(one, EpochBegun))


async def _last_origin(reader: PartitionReader, partition: int) -> int:
    """The origin of the last event's command."""
    end = await reader.end(LOG, partition)
    found = 0
    async for record in reader.read(LOG, partition, max(0, end - 100), end):
        try:
            found = max(found, decode_src(header_of(record, SRC)).origin)
        except Malformed:
            continue
    return found
