"""The messages that are measured: the same 200 bytes of JSON for every server."""

from __future__ import annotations

import time

from app.events import MessageCreated, encode

BYTES = 200


def message(room: str, n: int) -> tuple[MessageCreated, bytes]:
    """An event with the time of its sending in it, and its JSON of 200 bytes."""
    text = f"#bench {time.monotonic_ns():019}"
    event = _event(room, n, text)
    lacking = BYTES - len(encode(event))
    event = _event(room, n, text + "." * lacking)
    return event, encode(event)


def _event(room: str, n: int, text: str) -> MessageCreated:
    return MessageCreated(
        room=room, n=n, by="s", at_ms=1_700_000_000_000, id="0" * 8, client_id="c", seq=n, text=text
    )
