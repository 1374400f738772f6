"""Sending commands into `chat.raw` and waiting for what becomes of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from secrets import token_hex

import uuid_utils
from aiokafka.errors import KafkaError

from app.delivery import keys
from app.errors import Unreachable
from app.events import AnyCommand, Receipt, Verdict, decode_verdict, encode
from app.kafka.resilient_producer import ResilientProducer
from app.settings import Settings
from app.topics import RAW, RECEIPTS, partition_of
from web.hub.hub import Hub

#: Seconds until a send is given up that Kafka does not take.
TAKE_TIMEOUT = 10.0

#: And while the edge stops.
_HURRY = 1.0


class Sends:
    """Writes commands to Kafka; their verdicts come back on this edge's channel in Valkey."""

    def __init__(self, settings: Settings, producer: ResilientProducer) -> None:
        #: This edge's name, which no other process has or will have.
        self.edge = token_hex(6)
        self._settings = settings
        self._producer = producer
        self._waiting: dict[str, asyncio.Future[Verdict | None]] = {}
        self._taking: set[asyncio.Timeout] = set()
        #: Called with the verdicts that nobody waits for any more.
        self.on_late: Callable[[Verdict], None] = lambda _: None
        #: Whether the edge stops, and nobody is to wait for a verdict any more.
        self._hurries = False

    async def listen(self, hub: Hub) -> None:
        """Take the verdicts that come over the hub's subscription."""
        await hub.listen(keys.edge(self.edge), self._answered)

    def new_id(self) -> str:
        """An id for a command: UUIDv7, so that ids sort by time."""
        return str(uuid_utils.uuid7())

    async def send(self, command: AnyCommand | Receipt, wait: float) -> Verdict | None:
        """The verdict; `None` where the command is in Kafka but has none after `wait` seconds.

        When this returns, every in-sync replica has the command. Raises `Unreachable` where that
        can't be said: sending again under the same `client_id` is safe.
        """
        verdict: asyncio.Future[Verdict | None] = asyncio.get_running_loop().create_future()
        self._waiting[command.id] = verdict
        try:
            await self._write(command)
            if wait <= 0 or self._hurries:
                # It may be here already, but nobody waits for it.
                if verdict.done() and (early := verdict.result()) is not None:
                    self.on_late(early)
                return None
            async with asyncio.timeout(wait):
                return await verdict
        except TimeoutError:
            return None
        finally:
            del self._waiting[command.id]

    async def _write(self, wish: AnyCommand | Receipt) -> None:
        taking = asyncio.timeout(_HURRY if self._hurries else TAKE_TIMEOUT)
        self._taking.add(taking)
        try:
            async with taking:
                await self._producer.send_and_wait(
                    RECEIPTS if isinstance(wish, Receipt) else RAW,
                    encode(wish),
                    key=wish.room.encode(),
                    partition=partition_of(wish.room, self._settings.partitions),
                )
        except (KafkaError, TimeoutError) as error:
            raise Unreachable(f"Kafka did not take the command: {error!r}") from error
        finally:
            self._taking.discard(taking)

    def wait_no_more(self) -> None:
        """Have each send answered: what is in Kafka without a verdict, and what does not get there.

        The pipeline goes on without this edge: a command that was taken gets its number.
        """
        self._hurries = True
        for verdict in self._waiting.values():
            if not verdict.done():
                verdict.set_result(None)
        soon = asyncio.get_running_loop().time() + _HURRY
        for taking in self._taking:
            taking.reschedule(soon)

    def _answered(self, data: bytes) -> None:
        answer = decode_verdict(data)
        waiting = self._waiting.get(answer.id)
        if waiting is None:
            self.on_late(answer)
        elif not waiting.done():
            waiting.set_result(answer)
