"""The edge's own server in the test's loop, and clients that poll it as bytes."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from types import ModuleType
from typing import Any

from aiohttp import web
from msgspec.structs import replace

from app.delivery.publish_calls import Entry
from app.delivery.publisher import Publisher
from app.delivery.valkey import connect
from app.delivery.view import View
from app.domain.deployment import Deployment
from app.domain.sanctions import Sanction
from app.errors import Unreachable
from app.events import AnyLogEvent
from app.kafka.producer import new_producer
from app.kafka.resilient_producer import ResilientProducer
from app.metrics.edge_metrics import EdgeMetrics
from app.runtime.dev_tokens import mint
from app.settings import Settings
from tests.delivery.conftest import added, entry, message, noted, opened
from tests.web.support.revoked import Revoked
from web.auth.authenticator import Authenticator
from web.auth.tickets import sign_ticket
from web.auth.token_cache import Identity
from web.edge import session_context
from web.hub.broadcast import sender
from web.hub.hub import Hub
from web.limits.limits import Limits
from web.native.loader import built
from web.producer.connection_events import ConnectionEvents
from web.server.connection_manager import ConnectionManager
from web.server.listener import app_runner, handler_factory
from web.server.poll_subscriber import PollSubscriber
from web.server.session_context import SessionContext

ROOMS = ("a", "b")
PEOPLE = ("ann", "ben", "cat", "dan")

#: Seconds that anything may take on a busy machine.
PATIENCE = 60.0


class Door:
    """An edge's connections with all that stands behind them, and the log that they hear."""

    def __init__(
        self,
        settings: Settings,
        hub: Hub,
        context: SessionContext,
        manager: ConnectionManager,
        bans: dict[str, Sanction],
        revoked: Revoked,
        port: int,
    ) -> None:
        self.hub, self.context, self.manager, self.port = hub, context, manager, port
        self._settings = settings
        self._publisher: Publisher
        #: The banned users, with their sanctions, and the tokens that were taken back.
        self.bans, self.revoked = bans, revoked
        self._offsets: Counter[int] = Counter()
        self._n: Counter[str] = Counter()

    @property
    def seated(self) -> int:
        """Connections that are served in C at present."""
        polls = self.context.native_polls
        return 0 if polls is None else len(polls)

    def token(self, user: str, life: float = 3600) -> str:
        """A token that is good for so many seconds."""
        return mint(self._settings, user, life)

    def ticket(self, user: str, life: float) -> str:
        """A ticket that is good for so many seconds, for a token that is good for longer."""
        now = time.time()
        return self.ticket_for(Identity(user, now + 3600, issued_at=now), life)

    def ticket_for(self, identity: Identity, life: float = 600) -> str:
        """A ticket for a caller, good for so many seconds."""
        ring = self.context.authenticator.ring
        signed = sign_ticket(ring, identity, time.time(), life)
        assert signed is not None
        return signed[0]

    async def begin(self, publisher: Publisher) -> None:
        """Open the rooms, everybody in both."""
        self._publisher = publisher
        for partition in range(self._settings.partitions):
            await noted(publisher, partition, 0)
        for room in (*ROOMS, "other"):
            await self.open(room, PEOPLE[0] if room in ROOMS else "zoe")
            for user in PEOPLE[1:] if room != "other" else ():
                self._n[room] += 1
                await self.publish([added(room, self._n[room], user)])

    async def open(self, room: str, by: str = PEOPLE[0]) -> None:
        """A room, with one person in it."""
        await self.publish([opened(room, by)])
        self._n[room] = 1

    async def say(self, *rooms: str, size: int = 0) -> None:
        """A message to each, in one go; of so many bytes at least."""
        events = []
        for room in rooms:
            self._n[room] += 1
            said = message(room, self._n[room], self._n[room])
            events.append(replace(said, text=said.text.ljust(size, ".")))
        await self.publish(events)

    async def publish(self, events: Sequence[AnyLogEvent]) -> None:
        """Put events into Valkey as a worker does it."""
        await self._publisher.publish([self._entry(event) for event in events])

    async def heard(self) -> None:
        """Return when the hub has heard all that was said."""
        rooms = self.hub.registry.rooms
        await until(lambda: all(rooms[room].n == n for room, n in self.said().items()))

    def said(self) -> dict[str, int]:
        """The newest `n` of each room that is read."""
        return {room: self._n[room] for room in ROOMS}

    def _entry(self, event: AnyLogEvent) -> Entry:
        partition = self.hub.view.partition(event.room)
        self._offsets[partition] += 1
        return entry(partition, self._offsets[partition] - 1, event)


async def _read(request: web.Request) -> web.Response:
    """A handler that wants all of its request, and answers with it."""
    return web.Response(body=await request.read())


async def _no_ends() -> list[int]:
    raise Unreachable("there is no log here")


@asynccontextmanager
async def door(settings: Settings, native: ModuleType | None) -> AsyncIterator[Door]:
    """Serve in this loop; Valkey has to be empty."""
    async with AsyncExitStack() as stack:
        redis = connect(settings.redis)
        stack.push_async_callback(redis.aclose)
        await redis.flushdb()
        view = View(redis, settings.partitions, partial=True)
        hub = Hub(
            redis,
            view,
            partitions=settings.partitions,
            edge="e",
            deployment=Deployment("log"),
            cursor_keys=[b"s" * 32],
            metrics=EdgeMetrics(),
            send=sender(native and built("_broadcast")),
        )
        producer = ResilientProducer(partial(new_producer, settings))
        await producer.start()
        stack.push_async_callback(producer.stop)
        app = web.Application()
        app.router.add_post("/body", _read)
        aiohttp = app_runner(app)
        await aiohttp.setup()
        stack.push_async_callback(aiohttp.cleanup)
        assert aiohttp.server is not None
        others = handler_factory(aiohttp.server)
        connections = ConnectionEvents(producer, "e", settings.partitions)
        bans: dict[str, Sanction] = {}
        revoked = Revoked()
        authenticator = Authenticator(settings, bans.get, revoked)
        context = session_context(
            settings, hub, authenticator, connections, _no_ends, native, Limits(settings)
        )
        if context.native_polls is not None:
            stack.callback(context.native_polls.close)
        manager = ConnectionManager(context, others, settings.ping)
        authenticator.on_change = manager.recheck
        server = await asyncio.get_running_loop().create_server(manager.accept, "127.0.0.1", 0)
        server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        stack.callback(server.close)
        port = server.sockets[0].getsockname()[1]
        found = Door(settings, hub, context, manager, bans, revoked, port)
        await found.begin(Publisher(redis, 1_000))
        await hub.start()
        stack.push_async_callback(hub.stop)
        yield found


class Poller:
    """A client that keeps its cursor and its connection; knows what is behind each cursor."""

    def __init__(self, door: Door, user: str, token: str = "", **query: Any) -> None:
        self.door = door
        self.user = user
        self.token = token or door.token(user)
        self.query = {"timeout": 50, **query}
        self.cursor = ""
        self.had: dict[str, dict[str, int]] = {}
        self.writer: asyncio.StreamWriter = None  # type: ignore[assignment]

    async def __aenter__(self) -> Poller:
        """Connect, and learn a cursor."""
        await self.connect()
        if not self.cursor:
            before = self.door.said()
            self.send()
            _, answer = await self.reply()
            self.cursor = answer["cursor"]
            self.had[self.cursor] = before
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def connect(self) -> None:
        """Begin a connection, in place of the last."""
        if self.writer is not None:
            self.writer.close()
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.door.port)

    def request(self, cursor: str | None = None, **query: Any) -> bytes:
        """A poll as bytes."""
        asked = {**self.query, **query, "cursor": self.cursor if cursor is None else cursor}
        line = "&".join(f"{name}={value}" for name, value in asked.items() if value != "")
        head = f"GET /v1/events?{line} HTTP/1.1\r\nHost: e"
        if "ticket" not in asked:
            head += f"\r\nAuthorization: Bearer {self.token}"
        return head.encode() + b"\r\n\r\n"

    def send(self, data: bytes = b"") -> None:
        """Send bytes, or the next poll."""
        self.writer.write(data or self.request())

    async def reply(self) -> tuple[str, Any]:
        """The next answer's head, and its JSON."""
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            length = int(head.lower().split("content-length:")[1].split("\r\n")[0])
            body = await self.reader.readexactly(length)
        return head, json.loads(body) if "json" in head else body

    async def answer(self, cursor: str = "") -> list[tuple[str, int]]:
        """Take the answer to a poll from that cursor, and see that it goes on exactly there."""
        head, answer = await self.reply()
        assert head.startswith("HTTP/1.1 200"), answer
        assert answer["recovered"], answer
        at = dict(self.had[cursor or self.cursor])
        got = [(event["room"], event["n"]) for event in answer["events"] if "n" in event]
        for room, n in got:
            assert n == at.get(room, 0) + 1, (room, n, at, answer)
            at[room] = n
        self.cursor = answer["cursor"]
        known = self.had.setdefault(self.cursor, at)
        assert known == at, "a cursor stands where it stood before"
        return got

    async def sit(self) -> None:
        """Poll until the connection may be served in C, and leave it with a poll that waits."""
        await self.door.say("a")
        self.send()
        assert await self.answer()
        self.send()
        await self.wait()

    async def wait(self) -> None:
        """Return when the hub has a poll of this person's that waits."""
        await until(lambda: self.asks())

    def asks(self) -> bool:
        """Whether a poll of this person's waits."""
        user = self.door.hub.registry.users.get(self.user)
        return user is not None and any(
            isinstance(one, PollSubscriber) and one.is_waiting for one in user.subscribers
        )


async def until(condition: Any) -> None:
    """Return when the condition is true, which something else in this loop makes it."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.005)
