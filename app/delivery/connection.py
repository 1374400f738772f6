"""A connection to Valkey without a task or lock for each message, for tens of thousands of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import hiredis
from redis import asyncio as aioredis

from app.errors import Unreachable

Part = bytes | str | int

_pack: Callable[[Any], bytes] = hiredis.pack_command

_CONNECT_SECONDS = 5.0


class ValkeyConnection(asyncio.Protocol):
    """Sends commands, and calls `on_replies` with the replies as they arrive.

    `on_lost()` is called once when the connection is lost. `open_connection` makes one.
    """

    def __init__(
        self, on_replies: Callable[[Iterator[Any]], None], on_lost: Callable[[], None]
    ) -> None:
        self._on_replies = on_replies
        self._on_lost = on_lost
        self._reader = hiredis.Reader()
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio: the connection can send."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Called by asyncio: pass on all replies of this read together."""
        self._reader.feed(data)
        self._on_replies(self._replies())

    def _replies(self) -> Iterator[Any]:
        # One by one: lists of thousands would trigger the garbage collection.
        gets = self._reader.gets
        while (reply := gets()) is not False:
            yield reply

    def connection_lost(self, _: Exception | None) -> None:
        """Called by asyncio."""
        self._on_lost()

    def hand_over(
        self, on_replies: Callable[[Iterator[Any]], None], on_lost: Callable[[], None]
    ) -> None:
        """Replace both callbacks."""
        self._on_replies, self._on_lost = on_replies, on_lost

    def send(self, *parts: Part) -> None:
        """Send one command."""
        self._transport.write(_pack(parts))

    def send_all(self, commands: Sequence[tuple[Part, ...]]) -> None:
        """Send many commands at once."""
        self._transport.write(b"".join([_pack(parts) for parts in commands]))

    def pause(self) -> None:
        """Stop reading; Valkey buffers what it publishes."""
        self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        self._transport.resume_reading()

    def close(self) -> None:
        """Abort the connection, if there is one."""
        if self._transport is not None:
            self._transport.abort()


async def open_connection(
    redis: aioredis.Redis, on_replies: Callable[[Iterator[Any]], None], on_lost: Callable[[], None]
) -> ValkeyConnection:
    """A connection to the server of the client `redis`, logged in with its credentials.

    Raises `Unreachable` where the server can't be reached or refuses the login.
    """
    greeting = _Greeting()
    wire = ValkeyConnection(greeting.take, greeting.lost)
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            await _greet(wire, greeting, redis.connection_pool)
    except BaseException as error:
        wire.close()  # a Valkey that is loading refuses, and leaves it open
        if isinstance(error, OSError | TimeoutError):
            raise Unreachable(f"Valkey: {error!r}") from error
        raise
    wire.hand_over(on_replies, on_lost)
    return wire


async def _greet(wire: ValkeyConnection, greeting: _Greeting, pool: Any) -> None:
    given = pool.connection_kwargs
    await _connect(wire, pool.make_connection(), given)
    if given.get("password"):
        wire.send("AUTH", *filter(None, (given.get("username"), given["password"])))
        await greeting.next()
    wire.send("SELECT", int(given.get("db") or 0))
    await greeting.next()


async def _connect(wire: ValkeyConnection, connection: Any, given: dict[str, Any]) -> None:
    loop = asyncio.get_running_loop()
    if path := given.get("path"):
        await loop.create_unix_connection(lambda: wire, path)
        return
    # redis-py has made the TLS settings of its URL.
    tls = getattr(connection, "ssl_context", None)
    host, port = given.get("host", "localhost"), int(given.get("port", 6379))
    await loop.create_connection(lambda: wire, host, port, ssl=tls.get() if tls else None)


class _Greeting:
    """The replies before the connection is handed to its owner."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def next(self) -> None:
        """Return at the next reply; raises `Unreachable` where it is an error."""
        await self._answer
        self._answer = asyncio.get_running_loop().create_future()

    def take(self, replies: Iterator[Any]) -> None:
        for reply in replies:
            if self._answer.done():
                return
            if isinstance(reply, Exception):
                self._answer.set_exception(Unreachable(f"Valkey: {reply}"))
            else:
                self._answer.set_result(None)

    def lost(self) -> None:
        if not self._answer.done():
            self._answer.set_exception(Unreachable("Valkey closed the connection"))
