"""The outcomes of a command, and the fields of every event."""

from __future__ import annotations

from typing import Any

from app.domain.records import Held, Repeat, Room
from app.events import AnyLogEvent, Moderated, Refusal

Outcome = AnyLogEvent | Refusal | Repeat | Held


def stamp(room: Room | None, moderated: Moderated) -> dict[str, Any]:
    """The fields of the room's next event: number, user, time and command."""
    command = moderated.command
    return {
        "room": command.room,
        "n": room.n + 1 if room is not None else 1,
        "by": command.by,
        "at_ms": moderated.at_ms,
        "id": command.id,
        "client_id": command.client_id,
    }


def unknown(seq: int) -> Refusal:
    """The refusal for a message that never existed."""
    return Refusal("message_unknown", f"There is no message {seq}.")


def deleted(seq: int) -> Refusal:
    """The refusal for a deleted message."""
    return Refusal("message_gone", f"Message {seq} was deleted.")
