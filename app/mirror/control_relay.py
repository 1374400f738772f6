"""Rules, sanctions, revocations, erasures and incoming hooks of other regions, followed here.

Every worker does this, from the beginning of the topics, which are compacted and small. A copy that
two workers write is there twice, and changes nothing.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, Final, NamedTuple

import structlog

from app.domain.newest_records import NewestRecords, Stamp, Stamped
from app.events import AT, HOME
from app.kafka.broadcast_reader import BroadcastReader
from app.kafka.producer import new_producer
from app.runtime.retry import retry_while_away
from app.settings import Settings
from app.topics import ERASURES, HOOKS, REVOCATIONS, RULES, SANCTIONS, of_region

log = structlog.get_logger()

#: The topics that every region writes, and in which the newest record of a key counts.
RELAYED: Final = (RULES, SANCTIONS, REVOCATIONS, ERASURES, HOOKS)


class _Copy(NamedTuple):
    topic: str
    partition: int
    key: bytes
    record: Stamped


class ControlRelay:
    """Copies what is newer in another region into this region's topics; `run` does not return."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._regions = {
            of_region(region, topic): (region, topic)
            for region in settings.other_regions
            for topic in RELAYED
        }
        self._newest = {topic: NewestRecords() for topic in RELAYED}
        self._copies: asyncio.Queue[_Copy] = asyncio.Queue()

    async def run(self) -> None:
        """Follow the topics of all regions until it is cancelled."""
        # This region's own first: otherwise each start would copy everything once more.
        own = BroadcastReader(self._settings, RELAYED, self._take_own)
        others = BroadcastReader(self._settings, tuple(self._regions), self._take_other)
        producer = new_producer(self._settings)
        try:
            for part in (own, others, producer):
                await retry_while_away("Kafka", part.start)
            while True:
                copy = await self._copies.get()
                await retry_while_away("Kafka", partial(self._write, producer, copy))
        finally:
            await asyncio.gather(own.stop(), others.stop(), producer.stop())

    async def _write(self, producer: Any, copy: _Copy) -> None:
        stamp = copy.record.stamp
        headers = [(HOME, stamp.region.encode()), (AT, b"%d" % stamp.at_ms)]
        await producer.send_and_wait(
            copy.topic,
            copy.record.value,
            key=copy.key,
            partition=copy.partition,
            headers=headers,
        )
        log.info("a change of another region is followed", topic=copy.topic, region=stamp.region)

    def _take_own(self, record: Any) -> None:
        key, stamped = (
            record.key or b"",
            Stamped(_stamp(record, self._settings.region), record.value),
        )
        if (hidden := self._newest[record.topic].there(key, stamped)) is not None:
            self._copies.put_nowait(_Copy(record.topic, record.partition, key, hidden))

    def _take_other(self, record: Any) -> None:
        region, topic = self._regions[record.topic]
        key, stamped = record.key or b"", Stamped(Stamp(record.timestamp, region), record.value)
        if self._newest[topic].elsewhere(key, stamped):
            self._copies.put_nowait(_Copy(topic, record.partition, key, stamped))


def _stamp(record: Any, here: str) -> Stamp:
    """The stamp of a record of this region's topic, which may be a copy."""
    headers = dict(record.headers)
    home, at = headers.get(HOME), headers.get(AT, b"")
    if home is None or not at.isdigit():
        return Stamp(record.timestamp, here)
    return Stamp(int(at), home.decode(errors="replace"))
