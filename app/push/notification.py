"""What a browser or a gateway is told of a message."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from app.domain.names import DIRECT
from app.domain.push.calls import Call
from app.push.call_states import State

#: Characters of a message that are shown.
_SHOWN: Final = 200


class Notification(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A notification of message `seq`, event `n` of its room; a later one of the room replaces it.

    `name` is the room's; `by` and `text` are the message's, the text cut to 200 characters; all
    three are left out where `PARLEY_PUSH_TEXT` is off. `unread` counts the messages since the
    user's read mark.
    """

    room: str
    n: int
    seq: int
    at_ms: int
    unread: int
    name: str = ""
    by: str = ""
    text: str = ""
    files: int = 0
    mentioned: bool = False
    direct: bool = False


def notification(room: str, call: Call, state: State, *, text: bool) -> Notification:
    """The notification of a call."""
    message = state.message
    shown = message if text and message is not None and not message.deleted else None
    return Notification(
        room=room,
        n=call.n,
        seq=call.seq,
        at_ms=call.at_ms,
        unread=max(1, call.seq - state.read),
        name=state.name if text else "",
        by="" if shown is None else shown.by,
        text="" if shown is None else _cut(shown.text),
        files=0 if shown is None else len(shown.attachments),
        mentioned=call.mentioned,
        direct=room.startswith(DIRECT),
    )


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1].rstrip() + "…"
