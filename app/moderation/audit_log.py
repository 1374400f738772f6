"""The audit log of moderation in `chat.moderation`, and the topics that an action changes."""

from __future__ import annotations

from typing import Any

import uuid_utils
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from msgspec.structs import replace

from app.errors import Unreachable
from app.events import AnyAct, RulesSet, Sanctioned, encode
from app.kafka.resilient_producer import ResilientProducer
from app.topics import MODERATION, RULES, SANCTIONS, partition_of


class AuditLog:
    """Writes actions; each method returns when Kafka has it, or raises `Unreachable`."""

    def __init__(self, producer: AIOKafkaProducer | ResilientProducer, partitions: int) -> None:
        self._producer = producer
        self._partitions = partitions
        #: The version of the last rule set that was set here.
        self._newest = 0

    def new_id(self) -> str:
        """An id for an action."""
        return str(uuid_utils.uuid7())

    async def record(self, act: AnyAct) -> None:
        """Record an action for the review queue and the audit log, in the order of its room."""
        await self._write(MODERATION, act.room or act.by, act)

    async def sanction(self, act: Sanctioned) -> None:
        """Set or lift a sanction that holds everywhere."""
        await self._write(SANCTIONS, act.user, act)
        await self.record(act)

    async def set_rules(self, act: RulesSet) -> int:
        """Activate a rule set, which the caller has checked; its version.

        The version is the one that it has, or the next after the last that was set here: readers
        may not have that one yet.
        """
        self._newest = max(act.version, self._newest + 1)
        act = replace(act, version=self._newest)
        await self._write(RULES, "rules", act)
        # The audit log gets no word lists, and of a huge text the beginning.
        await self.record(replace(act, lists={}, source=act.source[:100_000]))
        return act.version

    async def _write(self, topic: str, key: str, act: AnyAct) -> Any:
        try:
            return await self._producer.send_and_wait(
                topic, encode(act), key=key.encode(), partition=partition_of(key, self._partitions)
            )
        except KafkaError as error:
            raise Unreachable(f"Kafka did not take the record: {error!r}") from error
