"""A room's state is a function of its log, for all commands and after every crash."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.messages import as_known
from app.domain.records import Member, Message, Reactions, Repeat, Room, State
from app.domain.room import decide
from app.events import (
    AddMember,
    AddReaction,
    AnyCommand,
    ChangeRoom,
    CreateRoom,
    DeleteMessage,
    EditMessage,
    HideMessage,
    MemberAdded,
    MemberRemoved,
    MemberRole,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    Moderated,
    ReactionAdded,
    ReactionRemoved,
    Refusal,
    RemoveMember,
    RemoveReaction,
    RoomCreated,
    RoomSettings,
    SanctionSet,
    SendMessage,
)
from tests.domain.room_tables import Tables, replayed, run, wishes


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
def test_only_members_act_and_there_is_always_one_owner(commands: list[AnyCommand]) -> None:
    roles: dict[str, str] = {}
    for event, _ in run(commands, Tables()):
        joins = isinstance(event, RoomCreated) or (
            isinstance(event, MemberAdded) and event.user == event.by
        )
        assert joins or event.by in roles
        match event:
            case RoomCreated():
                roles[event.by] = "owner"
            case MemberAdded():
                roles[event.user] = event.role
            case MemberRemoved():
                del roles[event.user]
            case SanctionSet(sanction="ban"):
                roles.pop(event.user, None)
            case MemberRole():
                if event.role == "owner":
                    roles[event.by] = "admin"
                roles[event.user] = event.role
        assert list(roles.values()).count("owner") == 1


@given(wishes())
def test_what_is_done_to_a_message_is_done_to_one_that_is_there(commands: list[AnyCommand]) -> None:
    alive: dict[int, tuple[int, int]] = {}
    reactions: set[tuple[int, str, str]] = set()
    for event, _ in run(commands, Tables()):
        match event:
            case MessageCreated():
                assert not event.reply_to or event.reply_to in alive
                alive[event.seq] = (event.n, 0)
            case MessageEdited():
                assert (event.of, event.prev) == alive[event.seq]
                alive[event.seq] = (event.of, event.n)
            case MessageDeleted():
                assert (event.of, event.prev) == alive.pop(event.seq)
            case ReactionAdded():
                assert event.seq in alive
                assert (event.seq, event.by, event.emoji) not in reactions
                reactions.add((event.seq, event.by, event.emoji))
            case ReactionRemoved():
                reactions.remove((event.seq, event.by, event.emoji))


@given(wishes(), st.data())
def test_what_is_given_again_changes_nothing(
    commands: list[AnyCommand], data: st.DataObject
) -> None:
    tables = Tables()
    run(commands, tables)
    before = dict(tables.parts)
    start = data.draw(st.integers(0, len(commands) - 1))
    last = before[("room",)].src
    assert run(commands[start : last + 1], tables, start) == []
    assert tables.parts == before


@given(wishes(), st.data())
def test_tables_that_lost_some_writes_follow_the_log_again(
    commands: list[AnyCommand], data: st.DataObject
) -> None:
    """After a crash any subset of a batch's changelog records may be there."""
    log = run(commands, Tables())
    kept = data.draw(st.integers(0, len(log)), label="events that all tables had")
    crashed, whole = Tables(), Tables()
    for place, (event, src) in enumerate(log):
        changes = whole.changes(event, src)
        whole.keep(changes)
        crashed.keep({k: v for k, v in changes.items() if place < kept or data.draw(st.booleans())})
    for event, src in log[kept:]:
        crashed.keep(crashed.changes(event, src))
    assert crashed.parts == whole.parts == replayed(log).parts


@given(wishes(), st.sampled_from(["room", "member", "sender", "sent", "message", "own"]))
def test_a_table_that_is_gone_or_new_is_had_by_following_the_whole_log(
    commands: list[AnyCommand], gone: str
) -> None:
    whole = Tables()
    log = run(commands, whole)
    others = Tables({key: value for key, value in whole.parts.items() if key[0] != gone})
    for event, src in log:
        others.keep(others.changes(event, src))
    assert others.parts == whole.parts


def opened(**fields: Any) -> CreateRoom:
    return CreateRoom(room="r", by="ann", id=str(UUID(int=0)), client_id="open", **fields)


def by(who: str, number: int, kind: Any, **fields: Any) -> Any:
    return kind(room="r", by=who, id=str(UUID(int=number)), client_id=f"{who}{number}", **fields)


def refused(tables: Tables, command: AnyCommand, at_ms: int = 10**9) -> str:
    outcome = decide(tables.state(command), Moderated(src=10**9, at_ms=at_ms, command=command))
    return outcome.code if isinstance(outcome, Refusal) else ""


def test_a_repeated_send_keeps_its_number_although_moderation_thinks_otherwise_now() -> None:
    tables = Tables()
    sent = by("ann", 2, SendMessage, text="x")
    run([opened(), sent], tables)
    again = Moderated(src=2, at_ms=1, command=sent, refusal=Refusal("blocked", "…"))
    assert decide(tables.state(sent), again) == Repeat(2, 1, str(UUID(int=2)))


@given(st.integers(0, 400))
def test_a_repeated_send_keeps_its_number_however_many_came_between(between: int) -> None:
    tables = Tables()
    first = by("ann", 1, SendMessage, text="x")
    others = [by("ann", number, SendMessage, text="x") for number in range(2, 2 + between)]
    run([opened(), first, *others], tables)
    again = Moderated(src=10**9, at_ms=1, command=by("ann", 1, SendMessage, text="x"))
    assert decide(tables.state(again.command), again) == Repeat(2, 1, str(UUID(int=1)))


def test_a_public_room_lets_people_join_themselves_and_nobody_else() -> None:
    tables = Tables()
    run([opened(type="public")], tables)
    assert refused(tables, by("ben", 2, AddMember, user="ben")) == ""
    assert refused(tables, by("ben", 3, AddMember, user="cid")) == "room_unknown"


def test_a_direct_room_has_two_members_for_ever() -> None:
    tables = Tables()
    run([opened(type="direct", user="ben")], tables)
    assert ("member", "ben") in tables.parts
    for command in (
        by("ann", 2, AddMember, user="cid"),
        by("ben", 3, ChangeRoom, name="ours"),
    ):
        assert refused(tables, command) == "not_allowed"


def test_a_clock_that_stands_behind_another_makes_nobody_wait() -> None:
    tables = Tables()
    said = by("ben", 3, SendMessage, text="from a worker whose clock is ahead")
    run([opened(), by("ann", 2, AddMember, user="ben"), said], tables)
    last = tables.parts[("sender", "ben")].last_ms
    assert refused(tables, by("ben", 4, SendMessage, text="and now"), last - 300_000) == ""


def test_slow_mode_makes_members_wait_and_moderators_not() -> None:
    tables = Tables()
    slow = by("ann", 1, ChangeRoom, settings=RoomSettings(slow_mode=30))
    said = by("ben", 3, SendMessage, text="x")
    run([opened(), slow, by("ann", 2, AddMember, user="ben"), said], tables)
    last = tables.parts[("sender", "ben")].last_ms
    again = by("ben", 4, SendMessage, text="y")
    assert refused(tables, again, last + 29_999) == "slow_mode"
    assert refused(tables, again, last + 30_000) == ""
    assert refused(tables, by("ann", 5, SendMessage, text="z"), last) == ""


def test_where_only_moderators_write_members_react() -> None:
    tables = Tables()
    quiet = by("ann", 1, ChangeRoom, settings=RoomSettings(post="moderator"))
    run([opened(), quiet, by("ann", 2, AddMember, user="ben")], tables)
    assert refused(tables, by("ben", 3, SendMessage, text="x")) == "not_allowed"


def test_an_archived_room_is_still_and_can_be_opened_again() -> None:
    tables = Tables()
    run([opened(), by("ann", 1, ChangeRoom, archived=True)], tables)
    assert refused(tables, by("ann", 2, SendMessage, text="x")) == "room_archived"
    assert refused(tables, by("ann", 3, ChangeRoom, archived=False)) == ""


def test_an_archived_room_can_be_left_but_by_its_owner_and_nobody_is_removed() -> None:
    tables = Tables()
    members = [by("ann", 1, AddMember, user="ben"), by("ann", 2, AddMember, user="cid")]
    run([opened(), *members, by("ann", 3, ChangeRoom, archived=True)], tables)
    assert refused(tables, by("ann", 4, RemoveMember, user="cid")) == "room_archived"
    assert refused(tables, by("ann", 5, RemoveMember, user="ann")) == "owner_stays"
    [(left, _)] = run([by("ben", 6, RemoveMember, user="ben")], tables, 10)
    assert isinstance(left, MemberRemoved)
    assert refused(tables, by("ben", 7, RemoveMember, user="ben")) == "room_unknown"


@pytest.mark.parametrize("kind", ["edit of nothing", "deleted twice", "reply to nothing"])
def test_what_is_not_there_is_refused(kind: str) -> None:
    tables = Tables()
    gone = by("ann", 2, DeleteMessage, seq=1)
    run([opened(), by("ann", 1, SendMessage, text="x"), gone], tables)
    command, code = {
        "edit of nothing": (by("ann", 3, DeleteMessage, seq=9), "message_unknown"),
        "deleted twice": (by("ann", 3, DeleteMessage, seq=1), "message_gone"),
        "reply to nothing": (by("ann", 3, SendMessage, text="x", reply_to=7), "message_unknown"),
    }[kind]
    assert refused(tables, command) == code


def test_members_alone_are_mentioned_and_code_mentions_nobody() -> None:
    tables = Tables()
    said = by("ann", 2, SendMessage, text="@ben, @eve! `@ann` and @room")
    log = run([opened(), by("ann", 1, AddMember, user="ben"), said], tables)
    event = log[-1][0]
    assert isinstance(event, MessageCreated)
    assert (event.mentions, event.everyone) == (("ben",), True)


@pytest.mark.parametrize("known", [None, 0, 1, 2])
def test_a_command_whose_numbers_are_of_an_earlier_epoch_means_no_later_message(
    known: int | None,
) -> None:
    author = Member("owner", 1)
    message = Message(n=3, by="ann", at=3, epoch=1)
    state = State(
        room=Room(n=3, seq=1, src=0, type="group"),
        actor=author,
        message=message,
        root=message,
        own=Reactions(3, ("👍",)),
    )
    name = {"room": "r", "by": "ann", "id": str(UUID(int=9)), "client_id": "c", "epoch": known}
    for command in (
        EditMessage(**name, seq=1, text="other"),
        DeleteMessage(**name, seq=1),
        AddReaction(**name, seq=1, emoji="👀"),
        RemoveReaction(**name, seq=1, emoji="👍"),
        SendMessage(**name, text="a reply", reply_to=1),
        SendMessage(**name, text="in a thread", thread=1),
        HideMessage(**name, seq=1),
    ):
        moderated = Moderated(src=5, at_ms=9, command=command)
        outcome = decide(as_known(state, command.epoch), moderated)
        assert isinstance(outcome, Refusal) == (known == 0), (command, outcome)
