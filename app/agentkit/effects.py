"""The effects of one event: what its handlers have asked for, settled together or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple, Protocol

from msgspec.msgpack import Decoder, Encoder

from app.agentkit.agent_events import TimerEntry
from app.events import AnyCommand

_encode: Final = Encoder().encode
_timers: Final = Decoder(TimerEntry)
_numbers: Final = Decoder(int)

#: The first part of a key in an agent's table: a value of the agent's, a timer, the progress of a
#: scope, a message that the agent may amend, by its key and the key by its client id, a room that
#: the agent has joined.
VALUE: Final = "v"
TIMER: Final = "t"
PROGRESS: Final = "p"
SAID: Final = "s"
SAID_KEY: Final = "k"
JOINED: Final = "j"


class Scope(NamedTuple):
    """What an agent's events are in order by, and its tables apart: a room or, in some topics, a
    user.

    `letter` stands for the topic (app/agentkit/kinds.py), `key` is the key of its records.
    """

    letter: str
    key: str

    def table_key(self, part: str, name: str = "") -> str:
        """A key of the agent's table in this scope."""
        return f"{part}\0{self.letter}{self.key}\0{name}"


def scope_of(table_key: str) -> tuple[str, Scope, str]:
    """The inverse of `Scope.table_key`: the part, the scope, the name."""
    part, scope, name = table_key.split("\0", 2)
    return part, Scope(scope[0], scope[1:]), name


class Entries(Protocol):
    """An agent's table as the kit reads it: encoded values by key."""

    def get(self, scope: Scope, key: str) -> bytes | None:
        """The value of a key of `Scope.table_key`, with every settled write."""

    def prefixed(self, scope: Scope, prefix: str) -> Iterable[tuple[str, bytes]]:
        """The keys of the scope that begin so, in order, with their values."""


class Effects:
    """Commands in order, and writes of the agent's table by key; `None` removes the key."""

    __slots__ = ("calls", "commands", "timers", "writes")

    def __init__(self) -> None:
        self.commands: list[AnyCommand] = []
        self.writes: dict[str, bytes | None] = {}
        #: Calls outside that were made: an event with one must not be handled twice.
        self.calls = 0
        #: Whether timers are among the writes.
        self.timers = False

    def __bool__(self) -> bool:
        return bool(self.commands or self.writes or self.calls)


def encoded(value: Any) -> bytes:
    """A value of an agent's table as bytes."""
    return _encode(value)


def decoded_timer(raw: bytes) -> TimerEntry:
    """The inverse of `encoded` for a timer."""
    return _timers.decode(raw)


def decoded_number(raw: bytes) -> int:
    """The inverse of `encoded` for the progress of a scope."""
    return _numbers.decode(raw)
