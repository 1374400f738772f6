"""The snapshots of an edge for operators: one a second at most, and none without a reader."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import msgspec
from aiokafka.errors import KafkaError

from app.dead_letters.dead_letter_list import DeadLetterList, ListedDeadLetter
from app.dead_letters.letters import DeadLetters
from app.delivery.edge_reports import EdgeReport, EdgeReports
from app.domain.deployment import Deployment
from app.errors import Unreachable
from app.events import HomeLeft
from app.kafka.group_watch import GroupWatch
from app.kafka.partition_reader import PartitionReader
from app.moderation.active_rules import ActiveRules
from app.runtime.clock import now_ms
from app.runtime.retry import AWAY
from app.settings import Settings
from web.operator.edge_rates import EdgeRates
from web.operator.snapshot import (
    DeadLetterRow,
    DeadLettersPart,
    DeploymentPart,
    OperatorSnapshot,
    PartitionRow,
    RuleRow,
    RulesPart,
)

T = TypeVar("T")

#: Seconds for which a snapshot serves all readers, and that a part of it may take.
FRESH: Final = 1.0
_WITHIN: Final = 8.0

#: Dead letters of a snapshot.
_NEWEST: Final = 20

_encode = msgspec.json.Encoder().encode


class OperatorFeed:
    """Makes snapshots of what Kafka, Valkey and this edge know.

    `report` is what this edge says of itself, `deployment` what it knows of the deployment. Its
    connections to Kafka are there while somebody reads.
    """

    def __init__(
        self,
        settings: Settings,
        reports: EdgeReports,
        rules: ActiveRules,
        report: Callable[[], EdgeReport],
        deployment: Callable[[], Deployment],
    ) -> None:
        self._settings = settings
        self._reports = reports
        self._rules = rules
        self._report = report
        self._deployment = deployment
        self._groups = GroupWatch(settings)
        self._dead = DeadLetterList(settings)
        self._rates = EdgeRates(report().edge)
        self._reader: PartitionReader | None = None
        self._lock = asyncio.Lock()
        self._made: float | None = None
        self._text = b""
        #: How many read now, and how many snapshots were made.
        self.readers = 0
        self.made = 0

    @property
    def is_connected(self) -> bool:
        """Whether it has connections to Kafka."""
        return self._reader is not None or self._groups.is_connected

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """A reader is here meanwhile; the last one to go closes the connections."""
        self.readers += 1
        try:
            yield
        finally:
            self.readers -= 1
            if not self.readers:
                await self.close()

    async def close(self) -> None:
        """Close the connections to Kafka; the next reader opens others."""
        async with self._lock:
            self._made = None
            await self._groups.close()
            await self._close_reader()

    async def _close_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader.__aexit__(None, None, None)

    async def snapshot(self) -> bytes:
        """The JSON of an `OperatorSnapshot`, a second old at most; for one who is `reading`."""
        async with self._lock:
            clock = asyncio.get_running_loop().time
            if self._made is None or clock() - self._made >= FRESH:
                self._text = _encode(await self._make())
                self._made = clock()
                self.made += 1
            return self._text

    async def dead_letters(self) -> list[ListedDeadLetter]:
        """The dead letters that stand, the newest first. Raises `Unreachable`."""
        async with self._lock:
            await self._read_on()
            return self._dead.newest_first()

    async def send_again(self, names: list[str]) -> tuple[int, list[str]]:
        """Send dead letters again, by name: how many were, and why others were not.

        Raises `Unreachable`.
        """
        async with self._lock:
            reader = await self._read_on()
            try:
                letters, unknown = await self._dead.whole(reader, names)
                async with DeadLetters(self._settings) as again:
                    unsent = await again.send_again(letters)
            except (KafkaError, OSError) as error:
                raise Unreachable(f"Kafka: {error!r}") from error
            self._made = None
        return len(letters) - len(unsent), [*unsent, *(f"{name} is gone" for name in unknown)]

    async def _read_on(self) -> PartitionReader:
        if self._reader is None:
            reader = PartitionReader(self._settings)
            try:
                self._reader = await reader.__aenter__()
            except (KafkaError, OSError) as error:
                raise Unreachable(f"Kafka: {error!r}") from error
        try:
            await self._dead.read_on(self._reader)
        except (KafkaError, OSError) as error:
            raise Unreachable(f"Kafka: {error!r}") from error
        return self._reader

    async def _make(self) -> OperatorSnapshot:
        away: dict[str, str] = {}
        groups, reports, read = await asyncio.gather(
            _answer("Kafka", self._groups.look(), away),
            _answer("Valkey", self._reports.all(), away),
            _answer("dead letters", self._read_on(), away),
        )
        if groups is None:
            await self._groups.close()
        if read is None:
            await self._close_reader()
        own = self._report()
        others = [one for one in reports or () if one.edge != own.edge]
        newest = self._dead.newest_first()[:_NEWEST]
        return OperatorSnapshot(
            at_ms=now_ms(),
            deployment=self._deployment_part(),
            edges=self._rates.rows(sorted([own, *others], key=lambda one: one.started_ms)),
            groups=groups or [],
            dead_letters=DeadLettersPart(count=len(self._dead), newest=list(map(row_of, newest))),
            rules=self._rules_part(),
            away=away,
        )

    def _deployment_part(self) -> DeploymentPart:
        now, here = self._deployment(), self._settings.region
        rows = []
        for partition in range(self._settings.partitions):
            change = now.changes.get(partition)
            rows.append(
                PartitionRow(
                    partition=partition,
                    epoch=now.epoch(partition),
                    home=now.home(partition, here),
                    to=change.to if isinstance(change, HomeLeft) else "",
                )
            )
        return DeploymentPart(
            id=now.id, region=here, regions=list(self._settings.region_brokers), partitions=rows
        )

    def _rules_part(self) -> RulesPart:
        rules, source = self._rules.rules, self._rules.source
        return RulesPart(
            version=rules.version,
            by="" if source is None else source.by,
            at_ms=0 if source is None else source.at_ms,
            hook="" if rules.hook is None else rules.hook.url,
            rules=[
                RuleRow(name=one.name, kind=one.kind.name, rooms=list(one.settings.rooms))
                for one in rules.rules
            ],
        )


def row_of(one: ListedDeadLetter) -> DeadLetterRow:
    """A dead letter as JSON has it."""
    return DeadLetterRow(
        name=one.name, topic=one.topic, group=one.group, reason=one.reason, at_ms=one.at_ms
    )


async def _answer(part: str, asked: Awaitable[T], away: dict[str, str]) -> T | None:
    """The answer of a part; where it does not answer, `away` gets the reason."""
    try:
        async with asyncio.timeout(_WITHIN):
            return await asked
    except (*AWAY, KafkaError, OSError) as error:
        away[part] = str(error) or type(error).__name__
        return None
