"""As much of XMPP as the comparison needs: logging in, joining a room, groupchat messages."""

from __future__ import annotations

import asyncio
import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterable

from app.errors import ParleyError

HOST = "peer.test"
ROOMS = f"rooms.{HOST}"
_MESSAGE = re.compile(rb"<body>(\d+) (\d+)</body>")
_ADMIN = "<query xmlns='http://jabber.org/protocol/muc#admin'>"
_STREAM = (
    f"<stream:stream to='{HOST}' version='1.0' xmlns='jabber:client'"
    " xmlns:stream='http://etherx.jabber.org/streams'>"
)


class Person:
    """The connection of a logged-in user; the password is the name."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def log_in(self, name: str) -> None:
        """Open the stream as this user."""
        await self._ask(_STREAM, "</stream:features>")
        secret = b64encode(f"\0{name}\0{name}".encode()).decode()
        wish = f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>"
        await self._ask(wish, "<success")
        await self._ask(_STREAM, "</stream:features>")
        bind = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
        await self._ask(f"<iq type='set' id='bind'>{bind}</iq>", "</jid>")

    async def join(self, room: str, nick: str) -> None:
        """Enter the room, creating it where there is none; without its history."""
        x = "<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x>"
        await self._ask(f"<presence to='{room}@{ROOMS}/{nick}'>{x}</presence>", "<subject")

    async def admit(self, room: str, names: Iterable[str]) -> None:
        """Make members of them; only the room's owner may."""
        to = f"to='{room}@{ROOMS}'"
        wanted = list(names)
        for name in wanted:  # of several in one request Prosody takes the first
            item = f"<item affiliation='member' jid='{name}@{HOST}'/>"
            await self._ask(f"<iq type='set' id='a' {to}>{_ADMIN}{item}</query></iq>", "<iq")
        which = "<item affiliation='member'/>"
        found = await self._ask(f"<iq type='get' id='b' {to}>{_ADMIN}{which}</query></iq>", "</iq>")
        if (count := found.count(b"affiliation='member'")) != len(wanted):
            raise ParleyError(f"{room} has {count} members rather than {len(wanted)}")

    def say(self, room: str, index: int) -> None:
        """Send a message to the room."""
        body = f"<body>{index} {time.monotonic_ns()}</body>"
        to = f"{room}@{ROOMS}"
        self._writer.write(
            f"<message type='groupchat' id='{index}' to='{to}'>{body}</message>".encode()
        )

    async def listen(self, heard: Callable[[int, int], None]) -> None:
        """Read for as long as the connection lasts."""
        rest = b""
        while data := await self._reader.read(1 << 18):
            now = time.monotonic_ns()
            whole, end, rest = (rest + data).rpartition(b"</message>")
            for index, sent in _MESSAGE.findall(whole + end):
                heard(int(index), now - int(sent))

    def close(self) -> None:
        """End the connection."""
        self._writer.close()

    async def _ask(self, text: str, until: str) -> bytes:
        self._writer.write(text.encode())
        try:
            async with asyncio.timeout(10):
                return await self._reader.readuntil(until.encode())
        except (TimeoutError, asyncio.IncompleteReadError) as error:
            raise ParleyError(f"no {until} after {text}: {error!r}") from error


async def person(port: int, name: str) -> Person:
    """Somebody logged in at this port of 127.0.0.1."""
    someone = Person(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 20))
    await someone.log_in(name)
    return someone
