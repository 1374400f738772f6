"""A whole real edge, with Kafka and Valkey; messages are put into Valkey as `fan_out` does it."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from typing import Any, ClassVar, Self

from app.delivery.publish_calls import Entry
from app.delivery.publisher import Publisher
from app.delivery.valkey import connect
from app.embedded.kafka import Kafka
from app.embedded.ports import free_port
from app.embedded.valkey import Valkey
from app.errors import ParleyError
from app.events import AnyLogEvent, MemberAdded, Position, RoomCreated, encode
from app.kafka.admin import provision
from app.local.demo_room import edge_is_ready
from app.local.supervisor import Command
from app.runtime.dev_tokens import mint
from app.settings import Settings
from app.topics import TOPICS, partition_of
from bench.edge.messages import message
from bench.running import UNHURRIED

_READY_SECONDS = 60


class Parley:
    """An edge with its users: each reader is a user with a token of its own."""

    name = "Parley"
    talks_first: ClassVar = {"stream": True, "poll": True, "stall": True}

    def __init__(self, folder: Path, **changes: Any) -> None:
        self._folder = folder
        self._changes = changes
        self._kafka = Kafka(folder / "kafka")
        self._valkey = Valkey(folder / "valkey")
        self._offsets: dict[int, int] = defaultdict(int)
        self._n: dict[str, int] = defaultdict(int)
        self._tokens: dict[str, str] = {}

    @property
    def port(self) -> int:
        """Where the edge listens."""
        return self.settings.port

    @property
    def pid(self) -> int:
        """The edge's process."""
        return self._edge.child.pid

    @property
    def pids(self) -> list[int]:
        """The processes that serve: with several edges, those that the one looks after."""
        task = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(pid) for pid in task.read_text().split()] or [self.pid]

    @property
    def others(self) -> list[int]:
        """The processes that an edge needs."""
        return [self._kafka.child.pid, self._valkey.child.pid]

    async def start(self) -> None:
        """Start all of it."""
        await self._kafka.start()
        await self._valkey.start()
        self.settings = Settings(
            broker=self._kafka.url,
            redis=self._valkey.url,
            data=self._folder,
            secret=token_hex(32),
            port=free_port(),
            **(UNHURRIED | self._changes),
        )
        await provision(self.settings, TOPICS)
        self.redis = connect(self.settings.redis)
        self._publisher = Publisher(self.redis, self.settings.window, self.settings.window_bytes)
        for partition in range(self.settings.partitions):
            sign = await self._publisher.filling(partition)
            await self._publisher.note_whole(partition, 0, sign)
        await self.start_edge()

    async def start_edge(self, count: int = 1) -> None:
        """Start the edge without users, or so many edges on one port."""
        log = self._folder / "logs" / "edge.log"
        self._edge = Command(["edge", "--edges", str(count)], log, self.settings.environ())
        await self._edge.start()
        deadline = time.monotonic() + _READY_SECONDS
        while not await edge_is_ready(self.settings):
            if not self._edge.child.running or time.monotonic() > deadline:
                raise ParleyError(self._edge.child.tail())
            await asyncio.sleep(0.1)

    def another(self) -> Self:
        """The same chat by an edge on a port of its own, which is not started yet."""
        one = copy(self)
        one.settings = replace(self.settings, port=free_port())
        return one

    async def stop_edge(self) -> None:
        """Stop the edge alone."""
        await self._edge.stop()

    def log_text(self) -> str:
        """The edge's log."""
        return self._edge.child.log.read_text()

    async def stop(self) -> None:
        """Stop all of it."""
        await self.redis.aclose()
        for part in (self._edge, self._valkey, self._kafka):
            await part.stop()

    async def seat(self, rooms: Sequence[str], readers: int) -> None:
        """Open the rooms, and make each reader a member of one of them."""
        events: list[AnyLogEvent] = []
        for room in rooms:
            common = self._common(room)
            events.append(RoomCreated(**common, type="group", name=room))
        for i in range(readers):
            common = self._common(rooms[i % len(rooms)])
            events.append(MemberAdded(**common, user=reader_name(i), role="member"))
        await self.put(events)

    async def put(self, events: Iterable[AnyLogEvent]) -> None:
        """Publish events, many at a time."""
        entries = [self._entry(event) for event in events]
        for start in range(0, len(entries), 1_000):
            await self._publisher.publish(entries[start : start + 1_000])

    def requests(self, mode: str, _: list[str], readers: int) -> list[tuple[bytes, bytes]]:
        """The first request of each reader, and the next ones."""
        path = "events?timeout=55&cursor=" if mode == "poll" else "stream"
        asked = []
        for i in range(readers):
            token = self.token(reader_name(i))
            tail = f" HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n"
            first, again = f"GET /v1/{path}{tail}", f"GET /v1/{path}\1{tail}"
            asked.append((first.encode(), again.encode()))
        return asked

    def token(self, user: str) -> str:
        """A token of a user; the same each time."""
        if user not in self._tokens:
            self._tokens[user] = mint(self.settings, user)
        return self._tokens[user]

    async def publish(self, rooms: Iterable[str]) -> None:
        """A message to each of the rooms, in one go."""
        entries = []
        for room in rooms:
            self._n[room] += 1
            event, _ = message(room, self._n[room])
            entries.append(self._entry(event))
        await self._publisher.publish(entries)

    def _common(self, room: str) -> dict[str, Any]:
        self._n[room] += 1
        n = self._n[room]
        return {"room": room, "n": n, "by": "s", "at_ms": 1, "id": "i", "client_id": "c"}

    def _entry(self, event: AnyLogEvent) -> Entry:
        partition = partition_of(event.room, self.settings.partitions)
        offset = self._offsets[partition]
        self._offsets[partition] += 1
        position = Position(0, offset)
        return Entry(partition, offset, position, offset - 1, encode(event), event, "")


def reader_name(index: int) -> str:
    """A reader's user name."""
    return f"reader-{index}"
