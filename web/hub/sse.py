"""Server-Sent Events as bytes.

Rules learnt from real clients: `id:` stands last in its block, or a block cut off there makes a
client skip the event; no block is without `data:`; events of rooms are unnamed, so that one
`onmessage` sees them all; only `hello`, `ping` and `goodbye` have names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
}

PING = b"event: ping\ndata: {}\n\n"


def event(data: bytes, cursor: str) -> bytes:
    """A room's event, which moves the reader's cursor on."""
    return b"data: " + data + b"\nid: " + cursor.encode() + b"\n\n"


def state(data: bytes) -> bytes:
    """A passing state, such as typing: without an id it leaves the reader's cursor alone."""
    return b"data: " + data + b"\n\n"


def hello(data: dict[str, Any], retry_ms: int, cursor: str) -> bytes:
    """The first block of a stream: the user, the cursor, and when to reconnect."""
    return b"event: hello\ndata: %b\nretry: %d\nid: %b\n\n" % (
        orjson.dumps(data),
        retry_ms,
        cursor.encode(),
    )


def reset(rooms: list[str]) -> bytes:
    """These rooms can't be resumed exactly: fetch what is missing from their history."""
    return b"data: " + orjson.dumps({"kind": "reset", "rooms": rooms}) + b"\n\n"


def poll_answer(
    events: Sequence[bytes], cursor: str, *, recovered: bool = True, has_more: bool = False
) -> bytes:
    """The answer to a poll: `Content-Length` as the last header, and the body."""
    body = b'{"events":[%b],"cursor":"%b","recovered":%b,"has_more":%b}' % (
        b",".join(events),
        cursor.encode(),
        b"true" if recovered else b"false",
        b"true" if has_more else b"false",
    )
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def goodbye(code: str, reason: str, retry_ms: int) -> bytes:
    """The last block of a stream, and when to reconnect."""
    data = orjson.dumps({"code": code, "reason": reason})
    return b"event: goodbye\ndata: %b\nretry: %d\n\n" % (data, retry_ms)
