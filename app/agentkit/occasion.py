"""Occasions: what a machine handles, made of records and of timers that are due."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from app.agentkit.agent_events import CommandRefused, TimerEntry
from app.agentkit.effects import Scope
from app.agentkit.kinds import SCOPES, kind_of
from app.domain.agents import causes
from app.domain.versioned_value import version_of
from app.events import Connection, Verdict
from app.topics import CONNECTIONS, LOG

_USERS: Final = SCOPES[CONNECTIONS]
_ROOMS: Final = SCOPES[LOG]


class Occasion(NamedTuple):
    """An event for an agent, or a timer of its own.

    `version` is its number among those of its scope, growing with each; `name` is its name among
    all causes. `again` says that it is wanted even if it settled before. `timer` is the id of a
    timer, with its entry.
    """

    kind: str
    event: Any
    scope: Scope
    room: str
    version: int
    at_ms: int
    client_id: str = ""
    again: bool = False
    timer: tuple[str, TimerEntry] | None = None

    @property
    def name(self) -> str:
        """The name of this cause."""
        if self.timer is None:
            return f"{self.scope.letter}{self.scope.key}/{self.version}"
        return f"{self.scope.letter}{self.scope.key}/{self.timer[0]}/{self.timer[1].due_ms}"


def occasion_of(
    topic: str, event: Any, epoch: int, offset: int, now_ms: int, *, again: bool = False
) -> Occasion:
    """The occasion of a decoded record.

    An event of `chat.log` has the version of its `n`, others that of their offset. `now_ms` is the
    time of a record that has none itself. A verdict that is no refusal has an empty kind.
    """
    kind = kind_of(event)
    if topic == LOG:
        room = event.room
        version = version_of(epoch, event.n)
        scope = Scope(_ROOMS, room)
        return Occasion(kind, event, scope, room, version, event.at_ms, event.client_id, again)
    number, room = offset, getattr(event, "room", "")
    key, at_ms, client_id = room, now_ms, ""
    match event:
        case Connection():
            key, at_ms = event.user, event.at_ms
        case Verdict():
            if event.refusal is not None:
                client_id = event.client_id
                event = CommandRefused(
                    room=room,
                    client_id=client_id,
                    code=event.refusal.code,
                    reason=event.refusal.reason,
                )
    scope = Scope(SCOPES[topic], key)
    return Occasion(kind, event, scope, room, version_of(epoch, number), at_ms, client_id, again)


def timer_occasion(
    scope: Scope, name: str, entry: TimerEntry, version: int, event: Any
) -> Occasion:
    """The occasion of a timer that is due; `version` is that of the scope's last event."""
    room = "" if scope.letter == _USERS else scope.key
    # The chain of agents goes on behind the timer.
    client_id = causes.client_id("timer", entry.hops - 1) if entry.hops > 1 else ""
    return Occasion(
        "timer", event, scope, room, version, entry.due_ms, client_id, True, (name, entry)
    )
