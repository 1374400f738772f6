"""The kinds of events that an agent may handle, and the topic of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Final, NamedTuple, get_args

from app.agentkit.agent_events import CommandRefused
from app.errors import Malformed
from app.events import (
    AnyLogEvent,
    Connection,
    Receipt,
    Verdict,
    decode_connection,
    decode_log,
    decode_receipt,
    decode_verdict,
)
from app.topics import CONNECTIONS, LOG, RECEIPTS, VERDICTS


class Kind(NamedTuple):
    """A kind of events: its topic, and the type of its events."""

    name: str
    topic: str
    type: type[Any]

    @property
    def fields(self) -> frozenset[str]:
        """The names of an event's fields."""
        return frozenset(self.type.__struct_fields__)


def _log_kinds() -> list[Kind]:
    return [Kind(str(one.__struct_config__.tag), LOG, one) for one in get_args(AnyLogEvent)]


KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        *_log_kinds(),
        Kind("receipt.read", RECEIPTS, Receipt),
        Kind("connection.opened", CONNECTIONS, Connection),
        Kind("connection.closed", CONNECTIONS, Connection),
        Kind("command.refused", VERDICTS, CommandRefused),
    )
}

#: By topic: the letter that its keys begin with in an agent's table, and its decoder.
SCOPES: Final[Mapping[str, str]] = {LOG: "r", RECEIPTS: "c", CONNECTIONS: "u", VERDICTS: "v"}
DECODERS: Final[Mapping[str, Callable[[bytes], Any]]] = {
    LOG: decode_log,
    RECEIPTS: decode_receipt,
    CONNECTIONS: decode_connection,
    VERDICTS: decode_verdict,
}


def kind_named(name: str) -> Kind:
    """A kind by its name; raises `Malformed` with the nearest one."""
    if (found := KINDS.get(name)) is not None:
        return found
    near = get_close_matches(name, KINDS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the kinds are {', '.join(KINDS)}"
    raise Malformed(f"there is no event of kind {name!r}; {hint}")


_BY_TYPE: Final[Mapping[type[Any], str]] = {kind.type: kind.name for kind in _log_kinds()}


def kind_of(event: Any) -> str:
    """The kind of a decoded record; empty for a verdict that is no refusal."""
    if (known := _BY_TYPE.get(type(event))) is not None:
        return known
    match event:
        case Receipt():
            return "receipt.read"
        case Connection():
            return f"connection.{event.what}"
        case Verdict():
            return "" if event.refusal is None else "command.refused"
        case _:
            return str(event.__struct_config__.tag)
