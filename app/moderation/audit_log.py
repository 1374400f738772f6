"""Writing down what somebody does as moderation: into `chat.moderation`, and what it changes."""

from __future__ import annotations

from typing import Any

import uuid_utils
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from msgspec.structs import replace

from app.errors import Unreachable
from app.events import AnyAct, RulesSet, Sanctioned, encode
from app.kafka.resilient_producer import ResilientProducer
from app.settings import Settings
from app.topics import MODERATION, RULES, RULES_BYTES, SANCTIONS, partition_of

#: Bytes of a partition's batch. aiokafka's 16 KiB are sixty messages, and all others would wait
#: for the round trip of these.
_BATCH = 256 * 1024


def producer(settings: Settings) -> AIOKafkaProducer:
    """A producer that takes rule sets, too."""
    return AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap,
        acks="all",
        enable_idempotence=True,
        linger_ms=1,
        max_batch_size=_BATCH,
        max_request_size=RULES_BYTES,
    )


class AuditLog:
    """Each method returns when Kafka has it; raises `Unreachable` where that can't be said."""

    def __init__(self, producer: AIOKafkaProducer | ResilientProducer, partitions: int) -> None:
        self._producer = producer
        self._partitions = partitions

    def new_id(self) -> str:
        """An id for an act."""
        return str(uuid_utils.uuid7())

    async def note(self, act: AnyAct) -> None:
        """What was done, for the queue and the account; by room, so that its order is kept."""
        await self._write(MODERATION, act.room or act.by, act)

    async def sanction(self, act: Sanctioned) -> None:
        """A sanction that holds everywhere, or its end."""
        await self._write(SANCTIONS, act.user, act)
        await self.note(act)

    async def set_rules(self, act: RulesSet) -> int:
        """A rule set, checked before; the version that it gets."""
        written = await self._write(RULES, "rules", act)
        version: int = written.offset + 1
        # The account has what was set, without the lists, and of a huge text the beginning.
        noted = replace(act, lists={}, version=version, source=act.source[:100_000])
        await self.note(noted)
        return version

    async def _write(self, topic: str, key: str, act: AnyAct) -> Any:
        try:
            return await self._producer.send_and_wait(
                topic, encode(act), key=key.encode(), partition=partition_of(key, self._partitions)
            )
        except KafkaError as error:
            raise Unreachable(f"Kafka did not take it: {error!r}") from error
