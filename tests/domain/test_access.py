"""A stranger can't tell a room from none, whatever has happened in it and whatever they try."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.domain.room import decide
from app.events import (
    AddMember,
    AnyCommand,
    ApproveMessage,
    ChangeRoom,
    CreateRoom,
    LiftSanction,
    MemberAdded,
    Moderated,
    Refusal,
    RemoveMember,
    SendMessage,
    SetSanction,
)
from tests.domain.room_tables import Tables, action, run, wishes

BLOCKED = st.sampled_from([None, Refusal("blocked", "a rule of this room alone")])


def command(by: str, number: int, make: Any, **fields: Any) -> AnyCommand:
    made: AnyCommand = make(
        room="r", by=by, id=str(UUID(int=number)), client_id=f"{by}{number}", **fields
    )
    return made


@given(wishes(), action, BLOCKED)
def test_a_room_looks_to_strangers_as_if_there_were_none(
    commands: list[AnyCommand], tried: Any, refusal: Refusal | None
) -> None:
    make, fields = tried
    if make is CreateRoom:
        return
    tables = Tables()
    run(commands, tables)
    asked = command("zoe", 900, make, **fields)
    moderated = Moderated(src=900, at_ms=900_000, command=asked, refusal=refusal)
    found = decide(tables.state(asked), moderated)
    assert found == decide(Tables().state(asked), moderated)
    assert isinstance(found, Refusal)
    assert found.code == "room_unknown"


@given(wishes(), BLOCKED)
def test_a_stranger_can_join_a_public_room_and_no_other(
    commands: list[AnyCommand], refusal: Refusal | None
) -> None:
    tables = Tables()
    run(commands, tables)
    asked = command("zoe", 900, AddMember, user="zoe")
    moderated = Moderated(src=900, at_ms=900_000, command=asked, refusal=refusal)
    found = decide(tables.state(asked), moderated)
    room = tables.parts[("room",)]
    if room.type != "public":
        assert isinstance(found, Refusal)
        assert found.code == "room_unknown"
    elif refusal is None and not room.archived:
        assert isinstance(found, MemberAdded)


def test_a_banned_person_hears_of_the_ban_and_one_who_was_removed_of_nothing() -> None:
    tables = Tables()
    opening = command("ann", 0, CreateRoom, type="group")
    run([opening, command("ann", 1, AddMember, user="ben")], tables)
    run([command("ann", 2, SetSanction, user="ben", sanction="ban", reason="spam")], tables, 2)
    run([command("ann", 3, AddMember, user="cid")], tables, 3)
    run([command("ann", 4, RemoveMember, user="cid")], tables, 4)
    run([command("ann", 5, ChangeRoom, archived=True)], tables, 5)
    codes = {}
    for user in ("ben", "cid"):
        said = command(user, 9, SendMessage, text="hello")
        found = decide(tables.state(said), Moderated(src=9, at_ms=9_000, command=said))
        assert isinstance(found, Refusal)
        codes[user] = found.code
    assert codes == {"ben": "banned", "cid": "room_unknown"}


def test_why_somebody_is_banned_is_for_those_who_may_add_members() -> None:
    tables = Tables()
    run([command("ann", 0, CreateRoom, type="group")], tables)
    run([command("ann", 1, AddMember, user="ben")], tables, 1)
    run([command("ann", 2, SetSanction, user="cid", sanction="ban", reason="spam")], tables, 2)
    codes = {}
    for user in ("ann", "ben"):
        asked = command(user, 9, AddMember, user="cid")
        found = decide(tables.state(asked), Moderated(src=9, at_ms=9_000, command=asked))
        assert isinstance(found, Refusal)
        codes[user] = found.code
    assert codes == {"ann": "banned", "ben": "not_allowed"}


@given(
    wishes(),
    st.sampled_from(["ann", "ben", "cid"]),
    st.sampled_from([SetSanction, LiftSanction, ApproveMessage]),
    st.booleans(),
)
def test_nobody_decides_about_themselves(
    commands: list[AnyCommand], user: str, make: Any, admin: bool
) -> None:
    tables = Tables()
    run(commands, tables)
    fields = {SetSanction: {"sanction": "mute"}, ApproveMessage: {"text": "x"}}.get(make, {})
    asked = command(user, 900, make, user=user, admin=admin, **fields)
    found = decide(tables.state(asked), Moderated(src=900, at_ms=900_000, command=asked))
    assert isinstance(found, Refusal)


def test_a_muted_moderator_is_let_speak_by_those_above_alone() -> None:
    tables = Tables()
    run([command("ann", 0, CreateRoom, type="group")], tables)
    run([command("ann", 1, AddMember, user="ben", role="moderator")], tables, 1)
    run([command("ann", 2, AddMember, user="cid", role="moderator")], tables, 2)
    run([command("ann", 3, SetSanction, user="ben", sanction="mute")], tables, 3)
    codes = {}
    for user in ("ben", "cid", "ann"):
        asked = command(user, 9, LiftSanction, user="ben")
        found = decide(tables.state(asked), Moderated(src=9, at_ms=9_000, command=asked))
        codes[user] = found.code if isinstance(found, Refusal) else type(found).__name__
    assert codes == {"ben": "not_allowed", "cid": "not_allowed", "ann": "SanctionLifted"}
