"""What reaches the handlers of an agent besides the events of topics."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class TimerFired(Struct, frozen=True, kw_only=True):
    """A timer that a handler has set is due.

    `due_ms` is its time in milliseconds since 1970, `room` the room of the event that set it.
    """

    name: str
    room: str
    due_ms: int


class Tick(Struct, frozen=True, kw_only=True):
    """A schedule of the agent is due in a room.

    `missed` counts the earlier times that passed while no worker ran: they come as this one tick.
    """

    room: str
    due_ms: int
    missed: int = 0


class CommandRefused(Struct, frozen=True, kw_only=True):
    """A command of the agent's was refused: `code` is for programs, `reason` for people.

    `client_id` is the `Sent.client_id` of the command.
    """

    room: str
    client_id: str
    code: str
    reason: str


class TimerEntry(Struct, frozen=True, array_like=True):
    """A timer as the agent's table keeps it: of a handler, due at a time, with its arguments."""

    handler: str
    due_ms: int
    hops: int = 0
    arguments: dict[str, Any] = {}
    #: How often its handler has failed.
    tries: int = 0
