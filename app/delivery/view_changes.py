"""The changes that an event of `chat.log` makes in the view."""

from __future__ import annotations

from typing import Any

import orjson
from msgspec import Struct

from app.delivery import keys
from app.domain.leaving import left
from app.domain.replaced_text import shown_after
from app.domain.roles import first_role
from app.events import (
    AnyLogEvent,
    MemberAdded,
    MemberRemoved,
    MemberRole,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    Position,
    RoomChanged,
    RoomCreated,
    SanctionLifted,
    SanctionSet,
    decode_log,
    encode,
)

#: Characters of a room's last message in the list of rooms.
PREVIEW = 140


class Changes(Struct):
    """The changes in the form of publish.lua, and those that belong to users, not to rooms."""

    room: list[str] = []
    members: list[str] = []
    roles: list[str] = []
    leaves: list[str] = []
    read: list[str] = []
    gone: int = 0
    everyone: int = 0
    mentions: int = 0
    last: list[str] = []
    rewrite: list[Any] = []
    tell: list[str] = []
    sanction: list[str] = []
    #: Not for the script: mentioned users, and (user, n of joining or minus n of leaving).
    named: tuple[str, ...] = ()
    belong: list[tuple[str, int]] = []

    def json(
        self,
        own: int,
        position: Position,
        after: int,
        n: int = 0,
        channel: str = "",
        edge: str = "",
        trace: str = "",
    ) -> bytes:
        """The changes for the script, with the number of the event's own keys and its channels."""
        # One literal: it is made for every event, and a loop over names takes three times as long.
        return orjson.dumps(
            {
                "keys": own,
                "pos": str(position.pos),
                "after": after,
                "epoch": position.epoch,
                "n": str(n),
                "channel": channel,
                "edge": edge,
                "trace": trace,
                "room": self.room,
                "members": self.members,
                "roles": self.roles,
                "leaves": self.leaves,
                "read": self.read,
                "gone": self.gone,
                "everyone": self.everyone,
                "mentions": self.mentions,
                "last": self.last,
                "rewrite": self.rewrite,
                "tell": self.tell,
                "sanction": self.sanction,
            }
        )


def changes_of(event: AnyLogEvent, texts: dict[int, bytes]) -> Changes:
    """The event's changes; `texts` are the events of the window whose text it replaces, by `n`."""
    match event:
        case RoomCreated():
            return _created(event)
        case RoomChanged():
            return Changes(room=_settings(event))
        case MemberAdded():
            return _joins(event.n, event.user, event.role)
        case MemberRemoved():
            return _leaves(event.n, event.user)
        case SanctionSet():
            return _sanctioned(event)
        case SanctionLifted():
            return Changes(sanction=[event.user, ""])
        case MemberRole():
            owner = event.role == "owner"
            roles = [event.user, event.role, *((event.by, "admin") if owner else ())]
            return Changes(room=["members_n", str(event.n)], roles=roles)
        case MessageCreated():
            return _message(event)
        case MessageEdited() | MessageDeleted():
            return _replaced(event, texts)
    return Changes()


def _created(event: RoomCreated) -> Changes:
    role = first_role(event.type)
    changes = _joins(event.n, event.by, role)
    if event.user and event.user != event.by:
        other = _joins(event.n, event.user, role)
        for name in ("members", "read", "tell", "belong"):
            setattr(changes, name, getattr(changes, name) + getattr(other, name))
    fields = {
        "seq": "0",
        "type": event.type,
        "name": event.name,
        "topic": event.topic,
        "user": " ".join((event.by, event.user)) if event.type == "direct" else "",
        "at_ms": str(event.at_ms),
    }
    changes.room += [part for pair in fields.items() for part in pair]
    return changes


def _settings(event: RoomChanged) -> list[str]:
    found: list[str] = []
    if event.name is not None:
        found += ["name", event.name]
    if event.topic is not None:
        found += ["topic", event.topic]
    if event.settings is not None:
        found += ["settings", encode(event.settings).decode()]
    if event.archived is not None:
        found += ["archived", "1" if event.archived else ""]
    return found


def _joins(n: int, user: str, role: str) -> Changes:
    return Changes(
        room=["members_n", str(n)],
        members=[user, f"{role} {n}"],
        read=[user],
        belong=[(user, n)],
        tell=[keys.user(user)],
    )


def _leaves(n: int, user: str) -> Changes:
    return Changes(
        room=["members_n", str(n)],
        leaves=[user],
        belong=[(user, -n)],
        tell=[keys.user(user)],
    )


def _sanctioned(event: SanctionSet) -> Changes:
    changes = _leaves(event.n, event.user) if left(event) else Changes()
    changes.sanction = [event.user, encode(event).decode()]
    return changes


def _message(event: MessageCreated) -> Changes:
    last = {
        "seq": str(event.seq),
        "at_ms": str(event.at_ms),
        "last_by": "" if event.deleted or event.shadow else event.by,
        "last_text": event.text[:PREVIEW],
    }
    return Changes(
        room=[part for pair in last.items() for part in pair],
        read=[event.by],
        gone=event.seq if event.shadow else 0,
        everyone=event.seq if event.everyone else 0,
        mentions=event.seq,
        named=event.mentions,
    )


def _replaced(event: MessageEdited | MessageDeleted, texts: dict[int, bytes]) -> Changes:
    """The text is replaced in each event of the window that has it: the message, its last edit."""
    rewrite: list[Any] = []
    erased = False
    for n, raw in texts.items():
        shown = decode_log(raw)
        erased |= isinstance(shown, MessageCreated) and shown.deleted
        rewrite += [n, encode(shown_after(shown, event)).decode()]
    if isinstance(event, MessageDeleted):
        return Changes(rewrite=rewrite, gone=event.seq, last=[str(event.seq), ""])
    return Changes(
        rewrite=rewrite,
        last=[] if erased else [str(event.seq), event.text[:PREVIEW]],
        everyone=event.seq if event.everyone else 0,
        mentions=event.seq,
        named=event.mentions,
    )
