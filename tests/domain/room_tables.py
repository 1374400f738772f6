"""The agent `rooms` with its tables, on a plain dictionary."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from msgspec.structs import replace

from app.domain.evolve import evolve
from app.domain.mentions import Names, mentioned
from app.domain.records import Held, Reactions, Repeat, Sender, State
from app.domain.room import decide
from app.events import (
    AddMember,
    AddReaction,
    AnyCommand,
    AnyLogEvent,
    ApproveMessage,
    ChangeRole,
    ChangeRoom,
    CreateRoom,
    DeleteMessage,
    EditMessage,
    Finding,
    HideMessage,
    LiftSanction,
    Moderated,
    Refusal,
    RemoveMember,
    RemoveReaction,
    Ruling,
    SendMessage,
    SetSanction,
    Source,
)

Key = tuple[str, ...]


class Tables:
    """A room's records by (table, …key)."""

    def __init__(self, parts: dict[Key, Any] | None = None) -> None:
        self.parts = dict(parts or {})

    def state(self, command: AnyCommand) -> State:
        seq = getattr(command, "seq", 0) or getattr(command, "reply_to", 0)
        thread, text = getattr(command, "thread", 0), getattr(command, "text", "")
        return replace(
            self.followed(command, seq),
            root=self.parts.get(("message", str(thread))),
            mentioned=mentioned(text, Names(key[1] for key in self.parts if key[0] == "member")),
        )

    def followed(self, event: AnyCommand | AnyLogEvent, seq: int) -> State:
        user = getattr(event, "user", "")
        sender = user if isinstance(event, ApproveMessage) else event.by
        return State(
            room=self.parts.get(("room",)),
            actor=self.parts.get(("member", event.by)),
            sender=self.parts.get(("sender", sender), Sender()),
            sent=self.parts.get(("sent", sender, event.client_id)),
            subject=self.parts.get(("member", user)),
            sanction=self.parts.get(("sanction", event.by)),
            subject_sanction=self.parts.get(("sanction", user)),
            message=self.parts.get(("message", str(seq))),
            own=self.parts.get(("own", str(seq), event.by), Reactions()),
        )

    def changes(self, event: AnyLogEvent, src: int) -> dict[Key, Any]:
        """What the event changes, `None` for a removal."""
        seq, user = getattr(event, "seq", 0), getattr(event, "user", "")
        before = self.followed(event, seq)
        after = evolve(before, event, Source(0, src))
        found: dict[Key, Any] = {
            ("room",): after.room,
            ("sender", event.by): after.sender,
            ("sent", event.by, event.client_id): after.sent,
        }
        if after.actor != before.actor:
            found[("member", event.by)] = after.actor
        if user and after.subject != before.subject:
            found[("member", user)] = after.subject
        if user and after.subject_sanction != before.subject_sanction:
            found[("sanction", user)] = after.subject_sanction
        if seq and after.message != before.message:
            found[("message", str(seq))] = after.message
        if seq and after.own != before.own:
            found[("own", str(seq), event.by)] = after.own
        return found

    def keep(self, changes: dict[Key, Any]) -> None:
        for key, value in changes.items():
            if value is None:
                self.parts.pop(key, None)
            else:
                self.parts[key] = value


Log = list[tuple[AnyLogEvent, int]]


def run(commands: list[AnyCommand], tables: Tables, src: int = 0) -> Log:
    """What a room makes of commands."""
    log: Log = []
    for offset, command in enumerate(commands, src):
        moderated = Moderated(
            src=offset, at_ms=1000 * offset, command=command, ruling=_ruling(command, offset)
        )
        outcome = decide(tables.state(command), moderated)
        if outcome is not None and not isinstance(outcome, Refusal | Repeat | Held):
            tables.keep(tables.changes(outcome, offset))
            log.append((outcome, offset))
    return log


def _ruling(command: AnyCommand, offset: int) -> Ruling | None:
    """Some messages are held, some hidden."""
    action = {3: "hold", 5: "hide"}.get(offset % 7)
    if action is None or not isinstance(command, SendMessage) or command.text not in TEXTS:
        return None
    return Ruling(action, 1, (Finding(action, "some", "because"),))


def replayed(log: Log) -> Tables:
    """Tables that have followed the whole log."""
    tables = Tables()
    for event, src in log:
        tables.keep(tables.changes(event, src))
    return tables


PEOPLE = ("ann", "ben", "cid")
person = st.sampled_from(PEOPLE)
seq = st.integers(1, 6)
emoji = st.sampled_from("😀👍🎉")
role = st.sampled_from(["member", "moderator", "admin", "owner"])


TEXTS = ("hello", "@ben look", "@room", "`@cid`", "@ann, @cid!")
text = st.sampled_from(TEXTS)
some = st.just(0) | seq

#: A kind of command with fields of its own.
action = st.one_of(
    st.tuples(st.just(SendMessage), st.fixed_dictionaries({"text": text})),
    st.tuples(
        st.just(SendMessage),
        st.fixed_dictionaries({"text": text, "reply_to": some, "thread": some}),
    ),
    st.tuples(st.just(AddMember), st.fixed_dictionaries({"user": person})),
    st.tuples(st.just(AddMember), st.fixed_dictionaries({"user": person, "role": role})),
    st.tuples(st.just(RemoveMember), st.fixed_dictionaries({"user": person})),
    st.tuples(st.just(ChangeRole), st.fixed_dictionaries({"user": person, "role": role})),
    st.tuples(st.just(EditMessage), st.fixed_dictionaries({"seq": seq, "text": text})),
    st.tuples(st.just(DeleteMessage), st.fixed_dictionaries({"seq": seq})),
    st.tuples(st.just(AddReaction), st.fixed_dictionaries({"seq": seq, "emoji": emoji})),
    st.tuples(st.just(RemoveReaction), st.fixed_dictionaries({"seq": seq, "emoji": emoji})),
    st.tuples(
        st.just(ChangeRoom),
        st.fixed_dictionaries({"archived": st.sampled_from([None, None, True, False])}),
    ),
    st.tuples(st.just(CreateRoom), st.just({})),
    st.tuples(st.just(HideMessage), st.fixed_dictionaries({"seq": seq})),
    st.tuples(st.just(ApproveMessage), st.fixed_dictionaries({"user": person, "text": text})),
    st.tuples(
        st.just(SetSanction),
        st.fixed_dictionaries(
            {
                "user": person,
                "sanction": st.sampled_from(["mute", "ban"]),
                "seconds": st.sampled_from([0, 3, 10]),
            }
        ),
    ),
    st.tuples(st.just(LiftSanction), st.fixed_dictionaries({"user": person})),
)
steps = st.lists(st.tuples(person, st.integers(0, 60), action), max_size=40)


def _commands(kind: str, taken: list[Any]) -> list[AnyCommand]:
    opening = CreateRoom(room="r", by="ann", id=str(UUID(int=0)), client_id="open", type=kind)
    others = [
        make(room="r", by=by, id=str(UUID(int=number)), client_id=f"c{client}", **fields)
        for number, (by, client, (make, fields)) in enumerate(taken, 1)
    ]
    return [opening, *others]


def wishes() -> st.SearchStrategy[list[AnyCommand]]:
    """Commands of a few people with few client ids, so that repetitions are frequent."""
    return st.builds(_commands, st.sampled_from(["group", "public"]), steps)
