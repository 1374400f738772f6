"""What can become of a command, and the fields that every event of a log has."""

from __future__ import annotations

from typing import Any

from app.domain.records import Held, Repeat, Room
from app.events import AnyLogEvent, Moderated, Refusal

Outcome = AnyLogEvent | Refusal | Repeat | Held


def stamp(room: Room | None, moderated: Moderated) -> dict[str, Any]:
    """The fields of the room's next event: its place, who, when, and the wish behind it."""
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
    """There never was a message of this number."""
    return Refusal("message_unknown", f"There is no message {seq}.")


def deleted(seq: int) -> Refusal:
    """The message of this number is no more."""
    return Refusal("message_gone", f"Message {seq} was deleted.")
