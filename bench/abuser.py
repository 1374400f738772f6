"""One person at full speed, from an address of their own: a process that `bench.abuse` starts.

Reads its settings from the environment. Says `ready` when it begins, and at SIGTERM what it got, as
JSON: answers by status.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Final

import click
import uvloop

from app.runtime.dev_tokens import mint
from app.runtime.open_files import raise_open_files
from app.settings import Settings

VICTIM: Final = "victim"

#: The abuser's address; everybody else's is 127.0.0.1.
ADDRESS: Final = "127.0.0.66"

#: The rooms of the abusers, and the messages in each, which `bench.abuse` has made.
ROOMS: Final = [f"den-{number}" for number in range(8)]

#: A message of 16,000 bytes.
LONG: Final = "\U0001d11e" * 4000

#: Connections at full speed; polls, and connections that only stay.
_LANES: Final = 32
_CROWD: Final = 2000

_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3})")
_LENGTH: Final = re.compile(rb"(?i)content-length: *(\d+)")


class Requests:
    """The requests of each way, one after the other."""

    def __init__(self, settings: Settings, way: str) -> None:
        self._token = mint(settings, abuser_of(way))

    def failed(self) -> Iterator[bytes]:
        """Tokens that nobody has signed, each another one."""
        for number in count():
            begin, _, signature = self._token.rpartition(".")
            forged = f"{begin}.{number:06}{signature[6:]}"
            yield self._request("GET", "/v1/rooms", token=forged)

    def drawn(self) -> Iterator[bytes]:
        """Rooms, and one person who is drawn into each."""
        for number in count():
            room = f"pit-{random.getrandbits(40)}-{number}"
            yield self._request("POST", "/v1/rooms", {"room": room})
            yield self._request("POST", f"/v1/rooms/{room}/members", {"user": VICTIM})

    def typing(self) -> Iterator[bytes]:
        """Signs of typing."""
        for number in count():
            yield self._request("POST", f"/v1/rooms/{ROOMS[number % 8]}/typing")

    def reactions(self) -> Iterator[bytes]:
        """Reactions that come and go."""
        for number in count():
            path = f"/v1/rooms/{ROOMS[number % 8]}/messages/1/reactions/%F0%9F%91%8D"
            yield self._request("PUT" if number // 8 % 2 else "DELETE", path)

    def direct(self) -> Iterator[bytes]:
        """Direct rooms with strangers."""
        for _ in count():
            user = f"stranger-{random.getrandbits(40)}"
            yield self._request("POST", "/v1/rooms", {"type": "direct", "user": user})

    def long(self) -> Iterator[bytes]:
        """The longest messages, for Kafka, Valkey and the history."""
        for number in count():
            path = f"/v1/rooms/{ROOMS[number % 8]}/messages"
            yield self._request("POST", path, {"text": LONG}, "Prefer: wait=0\r\n")

    def sync(self) -> Iterator[bytes]:
        """A few hundred bytes that ask for all that the rooms have."""
        while True:
            yield self._request("POST", "/v1/sync", {"rooms": dict.fromkeys(ROOMS, 0)})

    def presence(self) -> Iterator[bytes]:
        """A hundred names at once."""
        names = "&".join(f"user=person-{number}" for number in range(100))
        while True:
            yield self._request("GET", f"/v1/presence?{names}")

    def polls(self) -> Iterator[bytes]:
        """Polls that wait."""
        while True:
            yield self._request("GET", "/v1/events?timeout=55")

    def idle(self) -> Iterator[bytes]:
        """Connections on which nothing is asked."""
        while True:
            yield b""

    def _request(
        self, method: str, path: str, body: Any = None, more: str = "", token: str = ""
    ) -> bytes:
        head = f"{method} {path} HTTP/1.1\r\nHost: edge\r\n{more}"
        head += f"Authorization: Bearer {token or self._token}\r\n"
        if body is None:
            return f"{head}\r\n".encode()
        text = json.dumps(body, ensure_ascii=False).encode()
        head += f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        return head.encode() + text


#: The ways, with what each does; the last two on many more connections.
WAYS: Final = {
    "failed": "tokens that nobody has signed",
    "drawn": "rooms into which one person is drawn",
    "typing": "signs of typing",
    "reactions": "reactions",
    "direct": "direct rooms with strangers",
    "long": "messages of 16,000 bytes",
    "sync": "syncs of 12 MB",
    "presence": "presence of 100 names",
    "polls": "2,000 polls",
    "idle": "2,000 connections without a request",
}


def abuser_of(way: str) -> str:
    """The person of a way: each begins with whole buckets."""
    return f"mallory-{way}"


class Lane(asyncio.Protocol):
    """A connection that asks again as soon as it has its answer, and is opened again when cut."""

    def __init__(self, abuser: Abuser) -> None:
        self._abuser = abuser
        self._got = bytearray()
        self._left = -1

    def connection_made(self, transport: Any) -> None:
        """Ask."""
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._got.clear()
        self._left = -1
        if request := next(self._abuser.requests):
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Count an answer, and ask again."""
        if self._left < 0:
            self._got += data
            head, ending, body = bytes(self._got).partition(b"\r\n\r\n")
            if not ending:
                return
            status, length = _STATUS.match(head), _LENGTH.search(head)
            self._abuser.answers[status[1].decode() if status else "?"] += 1
            self._left = (int(length[1]) if length else 0) - len(body)
            self._abuser.received += len(self._got)
        else:
            self._left -= len(data)
            self._abuser.received += len(data)
        if self._left <= 0:
            self._ask()

    def connection_lost(self, _: Exception | None) -> None:
        """Come back at once."""
        self._abuser.answers["cut"] += 1
        self._abuser.again()


class Abuser:
    """All connections of the abuser."""

    def __init__(self, settings: Settings, way: str) -> None:
        make: Callable[[], Iterator[bytes]] = getattr(Requests(settings, way), way)
        self.requests = make()
        self.answers: Counter[str] = Counter()
        self.received = 0
        self._port = settings.port
        self._tasks: set[asyncio.Task[None]] = set()

    def again(self) -> None:
        """Open a connection more."""
        task = asyncio.ensure_future(self._open())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                await loop.create_connection(
                    lambda: Lane(self), "127.0.0.1", self._port, local_addr=(ADDRESS, 0)
                )
            except OSError:
                self.answers["refused"] += 1
                await asyncio.sleep(0.05)
            else:
                return


async def _abuse(settings: Settings, way: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    abuser = Abuser(settings, way)
    click.echo("ready")
    for _ in range(_CROWD if way in ("polls", "idle") else _LANES):
        abuser.again()
    await stop.wait()
    click.echo(json.dumps({"answers": dict(abuser.answers), "received": abuser.received}))


@click.command()
@click.argument("way", type=click.Choice(list(WAYS)))
def main(way: str) -> None:
    """Abuse until SIGTERM."""
    raise_open_files()
    uvloop.run(_abuse(Settings.read(), way))


if __name__ == "__main__":
    main()
