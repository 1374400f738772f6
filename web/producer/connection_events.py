"""Events in `chat.connections`: streams and polls that open and close, for presence and agents.

Other regions hear from them, too, that this edge is alive, and which users are away.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from itertools import count
from typing import Any, Final

import structlog
from aiokafka.errors import KafkaError

from app.events import BY_EDGE, BY_USER, Connection, encode
from app.kafka.resilient_producer import ResilientProducer
from app.runtime.clock import now_ms
from app.topics import CONNECTIONS, partition_of

log = structlog.get_logger()

#: Seconds for which records are gathered: thousands at once become a few batches.
_GATHER: Final = 0.05

#: Seconds between attempts while Kafka takes nothing.
_RETRY: Final = 1.0

#: Records of a partition that wait in full. Beyond, a connection that has opened and closed
#: meanwhile leaves none.
_MOST: Final = 10_000

#: Seconds after the last answer for which a user who polls counts as connected.
_POLL_LINGER: Final = 15.0


class _Polling:
    """A user who polls: one connection, as long as the next poll comes in time."""

    __slots__ = ("connections", "last_ms", "opened")

    def __init__(self, opened: Connection) -> None:
        self.opened = opened
        self.connections = 0
        self.last_ms = 0


class ConnectionEvents:
    """Writes connections that open and close to Kafka; no request waits for it.

    While Kafka is away the records wait, and then come in their order, some perhaps twice: a
    connection whose end was lost would count as open for as long as its edge lives. A record is
    lost with its edge alone, so a reader of the topic drops connections of an edge that died.
    """

    def __init__(self, producer: ResilientProducer, edge: str, partitions: int) -> None:
        self._producer = producer
        self._edge = edge
        self._numbers = count(1)
        self._partitions = partitions
        self._gathered: dict[int, list[Connection]] = defaultdict(list)
        #: By partition: records that were sent, and may or may not be in Kafka.
        self._unsettled: dict[int, list[Connection]] = {}
        #: By partition: the number of gathered records at which they are looked through.
        self._limits: dict[int, int] = {}
        self._writing: asyncio.Task[None] | None = None
        self._polling: dict[str, _Polling] = {}

    def opened(self, user: str, transport: str) -> Connection:
        """Note that a stream has opened; pass the result to `closed` in the end."""
        connection = Connection(
            user=user,
            what="opened",
            edge=self._edge,
            connection=f"{self._edge}-{next(self._numbers)}",
            transport=transport,
            at_ms=now_ms(),
        )
        self._write(connection)
        return connection

    def closed(self, opened: Connection, why: str, at_ms: int = 0) -> None:
        """Note that a connection has closed, and why; now, where no time is given."""
        self._write(
            Connection(
                user=opened.user,
                what="closed",
                edge=opened.edge,
                connection=opened.connection,
                transport=opened.transport,
                at_ms=at_ms or now_ms(),
                why=why,
            )
        )

    def alive(self) -> None:
        """Say that this edge is alive; not while earlier records wait for Kafka."""
        if not self._unsettled:
            self._say(self._edge, "alive", BY_EDGE)

    def away(self, user: str, *, is_away: bool) -> None:
        """Note that a user has said to be away, or back."""
        self._say(user, "away" if is_away else "back", BY_USER)

    def _say(self, user: str, what: str, transport: str) -> None:
        said = Connection(
            user=user,
            what=what,
            edge=self._edge,
            connection="",
            transport=transport,
            at_ms=now_ms(),
        )
        self._write(said)

    def polls(self, user: str) -> None:
        """Note that a user polls over one more connection. All of them count as one."""
        polling = self._polling.get(user)
        if polling is None:
            polling = self._polling[user] = _Polling(self.opened(user, "poll"))
        polling.connections += 1

    def polls_no_more(self, user: str) -> None:
        """Note that a user polls over one connection less."""
        polling = self._polling.get(user)
        if polling is not None:
            polling.connections -= 1
            polling.last_ms = now_ms()

    async def watch_polls(self) -> None:
        """Close the connection of each user whose next poll did not come in time."""
        while True:
            await asyncio.sleep(_POLL_LINGER / 3)
            last_ms = now_ms() - int(_POLL_LINGER * 1000)
            for user, polling in list(self._polling.items()):
                if not polling.connections and polling.last_ms < last_ms:
                    self._close_polling(user, "gone")

    async def drain(self) -> None:
        """Return when everything noted has been written."""
        for user in list(self._polling):
            self._close_polling(user, "restart")
        if self._writing is not None:
            await self._writing

    def _close_polling(self, user: str, why: str) -> None:
        polling = self._polling.pop(user)
        self.closed(polling.opened, why, polling.last_ms)

    def _write(self, connection: Connection) -> None:
        partition = partition_of(connection.user, self._partitions)
        waiting = self._gathered[partition]
        waiting.append(connection)
        if len(waiting) > self._limits.get(partition, _MOST):
            self._gathered[partition] = waiting = _without_passing(waiting)
            # Where most are open still, looking again at once would gain nothing.
            self._limits[partition] = max(_MOST, 2 * len(waiting))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_gathered())

    async def _write_gathered(self) -> None:
        pause = _GATHER
        try:
            while self._gathered or self._unsettled:
                await asyncio.sleep(pause)
                pause = _GATHER if await self._write_once() else _RETRY
        finally:
            self._writing = None

    async def _write_once(self) -> bool:
        """Send what is gathered, where all before it has been taken; whether Kafka took all."""
        for partition in self._gathered.keys() - self._unsettled.keys():
            self._unsettled[partition] = self._gathered.pop(partition)
            self._limits.pop(partition, None)
        places = list(self._unsettled)
        errors = await asyncio.gather(
            *(self._send(place, self._unsettled[place]) for place in places),
            return_exceptions=True,
        )
        whole = True
        for place, error in zip(places, errors, strict=True):
            if error is None:
                del self._unsettled[place]
            elif isinstance(error, KafkaError):
                log.warning("connections not noted yet", partition=place, error=repr(error))
                whole = False
            else:
                raise error
        return whole

    async def _send(self, partition: int, connections: list[Connection]) -> None:
        """Send records; returns when Kafka has them, each batch before the next is sent."""
        batch = self._producer.create_batch()
        for connection in connections:
            record = {"key": connection.user.encode(), "value": encode(connection)}
            if batch.append(**record, timestamp=None) is None:
                await self._send_batch(batch, partition)
                batch = self._producer.create_batch()
                batch.append(**record, timestamp=None)
        await self._send_batch(batch, partition)

    async def _send_batch(self, batch: Any, partition: int) -> None:
        await (await self._producer.send_batch(batch, CONNECTIONS, partition=partition))


def _without_passing(connections: list[Connection]) -> list[Connection]:
    """The records without those of connections that have both opened and closed among them."""
    opened = {one.connection for one in connections if one.what == "opened"}
    passing = {one.connection for one in connections if one.what == "closed"} & opened
    return [one for one in connections if one.connection not in passing]
