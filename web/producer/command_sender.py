"""Sending commands into `chat.raw`, and waiting for their verdicts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import uuid_utils
from aiokafka.errors import KafkaError

from app.errors import Unreachable
from app.events import AnyCommand, Receipt, Verdict, decode_verdict, encode
from app.kafka.resilient_producer import ResilientProducer
from app.metrics.edge_metrics import EdgeMetrics
from app.settings import Settings
from app.topics import RAW, RECEIPTS, partition_of

#: Headers of a record.
Headers = Sequence[tuple[str, bytes]]

#: Seconds that Kafka has to take a command, and while the edge stops.
TAKE_TIMEOUT = 10.0
_STOPPING_TIMEOUT = 1.0


class CommandSender:
    """Writes commands to Kafka; their verdicts come back on this edge's channel in Valkey.

    `on_late` is called with a verdict that no request waits for any more.
    """

    def __init__(
        self,
        settings: Settings,
        producer: ResilientProducer,
        edge: str,
        on_late: Callable[[Verdict], None],
        metrics: EdgeMetrics,
    ) -> None:
        self.edge = edge
        self._settings = settings
        self._producer = producer
        self._waiting: dict[str, asyncio.Future[Verdict | None]] = {}
        self._taking: set[asyncio.Timeout] = set()
        self._on_late = on_late
        self._sends = metrics.sends
        self._send_time = metrics.send_seconds.of()
        #: Whether the edge stops, and no request is to wait for a verdict any more.
        self._stopping = False

    def new_id(self) -> str:
        """An id for a command: UUIDv7, so that ids sort by time."""
        return str(uuid_utils.uuid7())

    async def send(
        self, command: AnyCommand | Receipt, wait: float, headers: Headers = ()
    ) -> Verdict | None:
        """The verdict; `None` where the command is in Kafka but has none after `wait` seconds.

        When this returns, every in-sync replica has the command. Raises `Unreachable` where that
        is not certain; a repetition under the same `client_id` is safe.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        verdict: asyncio.Future[Verdict | None] = loop.create_future()
        self._waiting[command.id] = verdict
        try:
            await self._write(command, headers)
            if wait <= 0 or self._stopping:
                # It may be here already, but no request waits for it.
                if verdict.done() and (early := verdict.result()) is not None:
                    self._on_late(early)
                return self._counted(None, began)
            async with asyncio.timeout(wait):
                return self._counted(await verdict, began)
        except TimeoutError:
            return self._counted(None, began)
        except Unreachable:
            self._sends.add("unreachable")
            raise
        finally:
            del self._waiting[command.id]

    def _counted(self, verdict: Verdict | None, began: float) -> Verdict | None:
        self._sends.add(outcome(verdict))
        if verdict is not None:
            self._send_time.add(asyncio.get_running_loop().time() - began)
        return verdict

    async def _write(self, command: AnyCommand | Receipt, headers: Headers) -> None:
        taking = asyncio.timeout(_STOPPING_TIMEOUT if self._stopping else TAKE_TIMEOUT)
        self._taking.add(taking)
        try:
            async with taking:
                await self._producer.send_and_wait(
                    RECEIPTS if isinstance(command, Receipt) else RAW,
                    encode(command),
                    key=command.room.encode(),
                    partition=partition_of(command.room, self._settings.partitions),
                    headers=headers,
                )
        except (KafkaError, TimeoutError) as error:
            raise Unreachable(f"Kafka did not take the command: {error!r}") from error
        finally:
            self._taking.discard(taking)

    def wait_no_more(self) -> None:
        """End every wait: for verdicts at once, for Kafka in a second.

        The pipeline goes on without this edge: a command that Kafka took gets its number.
        """
        self._stopping = True
        for verdict in self._waiting.values():
            if not verdict.done():
                verdict.set_result(None)
        soon = asyncio.get_running_loop().time() + _STOPPING_TIMEOUT
        for taking in self._taking:
            taking.reschedule(soon)

    def take_verdict(self, data: bytes) -> None:
        """Take a verdict as it came over this edge's channel."""
        answer = decode_verdict(data)
        waiting = self._waiting.get(answer.id)
        if waiting is None:
            self._on_late(answer)
        elif not waiting.done():
            waiting.set_result(answer)


def outcome(verdict: Verdict | None) -> str:
    """What became of a command, as metrics and traces name it."""
    if verdict is None:
        return "pending"
    if verdict.refusal is not None:
        return "refused"
    if verdict.held:
        return "held"
    return "repeated" if verdict.repeated else "accepted"
