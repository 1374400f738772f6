"""Log events to store: a room with a member and messages."""

from collections.abc import Iterator

from app.events import AnyLogEvent, MemberAdded, MessageCreated, RoomCreated, encode
from app.history.entry import Entry


def log(room: str, messages: int) -> Iterator[AnyLogEvent]:
    """The room begins, then each third message is followed by somebody's coming in."""
    common = {"room": room, "by": "ann", "client_id": "c", "at_ms": 1_764_000_000_000}
    yield RoomCreated(n=1, id="e1", type="group", name="Lobby", **common)
    n = 1
    for seq in range(1, messages + 1):
        n += 1
        yield MessageCreated(n=n, id=f"e{n}", seq=seq, text=f"message {seq}", **common)
        if seq % 3 == 0:
            n += 1
            yield MemberAdded(n=n, id=f"e{n}", user=f"u{n}", role="member", **common)


def entries(room: str, messages: int) -> list[Entry]:
    return [Entry.of(event, encode(event)) for event in log(room, messages)]


def messages_of(stored: list[Entry]) -> list[bytes]:
    return [entry.raw for entry in stored if entry.seq is not None]
