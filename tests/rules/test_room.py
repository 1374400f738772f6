"""A room is its log, applied: whatever the commands, and whatever was lost on the way."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.events import (
    AddMember,
    AnyCommand,
    AnyLogEvent,
    CreateRoom,
    MemberAdded,
    MessageCreated,
    Moderated,
    Refusal,
    RoomCreated,
    SendMessage,
)
from app.rules.room import Repeat, Sender, State, apply, decide, subject_of

PEOPLE = ("ann", "ben", "cid")
person = st.sampled_from(PEOPLE)


class Tables:
    """What the agent does with its tables, over plain dictionaries."""

    def __init__(self) -> None:
        self.parts: dict[tuple[str, str], Any] = {}

    def state(self, event: AnyCommand | AnyLogEvent) -> State:
        subject = subject_of(event)
        return State(
            room=self.parts.get(("room", "")),
            actor=self.parts.get(("member", event.by)),
            sender=self.parts.get(("sender", event.by), Sender()),
            subject=self.parts.get(("member", subject)) if subject else None,
        )

    def keep(self, event: AnyLogEvent, after: State) -> dict[tuple[str, str], Any]:
        changed: dict[tuple[str, str], Any] = {
            ("room", ""): after.room,
            ("sender", event.by): after.sender,
        }
        if after.actor is not None:
            changed[("member", event.by)] = after.actor
        if after.subject is not None:
            changed[("member", subject_of(event) or "")] = after.subject
        return changed


@st.composite
def wishes(draw: st.DrawFn) -> list[AnyCommand]:
    """Commands of a few people with few client ids, so that repetitions are frequent."""
    found: list[AnyCommand] = []
    for number in range(draw(st.integers(0, 30))):
        common = {
            "room": "r",
            "by": draw(person),
            "id": str(UUID(int=number + 1)),
            "client_id": f"c{draw(st.integers(0, 8))}",
        }
        kind = draw(st.integers(0, 5))
        if kind == 0:
            found.append(CreateRoom(**common, type=draw(st.sampled_from(["group", "public"]))))
        elif kind == 1:
            found.append(AddMember(**common, user=draw(person)))
        else:
            found.append(SendMessage(**common, text="x"))
    return [CreateRoom(room="r", by="ann", id=str(UUID(int=0)), client_id="open"), *found]


def run(commands: list[AnyCommand], tables: Tables, src: int = 0) -> list[tuple[AnyLogEvent, int]]:
    log = []
    for offset, command in enumerate(commands, src):
        moderated = Moderated(src=offset, at_ms=1, command=command)
        state = tables.state(command)
        outcome = decide(state, moderated)
        if outcome is not None and not isinstance(outcome, Refusal | Repeat):
            tables.parts |= tables.keep(outcome, apply(state, outcome, offset))
            log.append((outcome, offset))
    return log


@given(wishes())
def test_numbers_have_no_gap(commands: list[AnyCommand]) -> None:
    log = [event for event, _ in run(commands, Tables())]
    assert [event.n for event in log] == list(range(1, len(log) + 1))
    messages = [event for event in log if isinstance(event, MessageCreated)]
    assert [event.seq for event in messages] == list(range(1, len(messages) + 1))


@given(wishes())
def test_one_sender_and_client_id_is_in_the_log_once(commands: list[AnyCommand]) -> None:
    log = [event for event, _ in run(commands, Tables())]
    assert len({(event.by, event.client_id) for event in log}) == len(log)


@given(wishes())
def test_only_members_write(commands: list[AnyCommand]) -> None:
    members: set[str] = set()
    for event, _ in run(commands, Tables()):
        if isinstance(event, RoomCreated):
            members.add(event.by)
        elif isinstance(event, MemberAdded):
            members.add(event.user)
        assert event.by in members


@given(wishes(), st.data())
def test_what_is_given_again_changes_nothing(
    commands: list[AnyCommand], data: st.DataObject
) -> None:
    tables = Tables()
    run(commands, tables)
    before = dict(tables.parts)
    start = data.draw(st.integers(0, len(commands) - 1))
    last = before[("room", "")].src
    again = run(commands[start : last + 1], tables, start)
    assert again == []
    assert tables.parts == before


@given(wishes(), st.data())
def test_tables_that_lost_some_writes_follow_the_log_again(
    commands: list[AnyCommand], data: st.DataObject
) -> None:
    """After a crash any subset of a batch's changelog records may be there."""
    whole = Tables()
    log = run(commands, whole)
    kept = data.draw(st.integers(0, len(log)), label="events that all tables had")
    crashed = Tables()
    for place, (event, src) in enumerate(log):
        written = crashed.keep(event, apply(whole_state(log[:place], event), event, src))
        for key, value in written.items():
            if place < kept or data.draw(st.booleans()):
                crashed.parts[key] = value
    for event, src in log[kept:]:
        crashed.parts |= crashed.keep(event, apply(crashed.state(event), event, src))
    assert crashed.parts == whole.parts


def whole_state(log: list[tuple[AnyLogEvent, int]], event: AnyLogEvent) -> State:
    tables = Tables()
    for earlier, src in log:
        tables.parts |= tables.keep(earlier, apply(tables.state(earlier), earlier, src))
    return tables.state(event)


def test_a_repeated_send_keeps_its_number_although_moderation_thinks_otherwise_now() -> None:
    tables = Tables()
    opened = CreateRoom(room="r", by="ann", id=str(UUID(int=1)), client_id="a")
    sent = SendMessage(room="r", by="ann", id=str(UUID(int=2)), client_id="b", text="x")
    run([opened, sent], tables)
    refused = Moderated(src=2, at_ms=1, command=sent, refusal=Refusal("blocked", "…"))
    assert decide(tables.state(sent), refused) == Repeat(2, 1, str(UUID(int=2)))


def test_a_public_room_lets_people_join_themselves_and_nobody_else() -> None:
    tables = Tables()
    run([CreateRoom(room="r", by="ann", id=str(UUID(int=1)), client_id="a", type="public")], tables)
    joins = AddMember(room="r", by="ben", id=str(UUID(int=2)), client_id="b", user="ben")
    drags = AddMember(room="r", by="ben", id=str(UUID(int=3)), client_id="c", user="cid")
    assert isinstance(
        decide(tables.state(joins), Moderated(src=1, at_ms=1, command=joins)), MemberAdded
    )
    refusal = decide(tables.state(drags), Moderated(src=1, at_ms=1, command=drags))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "not_a_member"
