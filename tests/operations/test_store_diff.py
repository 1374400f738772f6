"""`parley verify` reports what a table lacks, has too much of, or has differently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from app.domain.receipts import Read
from app.domain.records import Member, Message, Room, Sent
from app.domain.recount import RoomRecount
from app.domain.sanctions import Sanction
from app.events import MemberAdded, MessageCreated, RoomCreated, SanctionSet
from app.operations.store_diff import TableContents, diff_tables

ID = str(UUID(int=1))


def counted() -> RoomRecount:
    """A room in which ann has let ben in, said something, and muted ben, who has read it."""
    room = RoomRecount("tea")
    common: dict[str, Any] = {"room": "tea", "by": "ann", "at_ms": 1, "id": ID}
    room.take(RoomCreated(**common, n=1, client_id="a", type="group", name=""))
    room.take(MemberAdded(**common, n=2, client_id="b", user="ben", role="member"))
    room.take(MessageCreated(**common, n=3, client_id="c", seq=1, text="hi"))
    room.take(
        SanctionSet(
            **common, n=4, client_id="d", user="ben", sanction="mute", until_ms=0, reason=""
        )
    )
    room.receive("ben", 1)
    return room


def kept() -> TableContents:
    """The same, in tables."""
    sent = {f"ann/{client_id}": Sent(n, 0, b"") for n, client_id in enumerate("abcd", 1)}
    return TableContents(
        heads={"tea": Room(n=4, seq=1, src=9, type="group")},
        members={"tea": {"ann": Member("owner", 1), "ben": Member("member", 2)}},
        receipts={"tea": {"ben": Read(1)}},
        sanctions={"tea": {"ben": Sanction(4, "mute", 0, "")}},
        sent={"tea": sent},
        messages={"tea": {"1": Message(n=3, by="ann", at=3)}},
    )


def test_nothing_is_said_where_all_agrees() -> None:
    assert list(diff_tables(kept(), "tea", counted())) == []


@pytest.mark.parametrize(
    ("table", "harm"),
    [
        ("rooms", lambda kept: kept.heads.update(tea=Room(n=3, seq=1, src=8, type="group"))),
        ("members", lambda kept: kept.members["tea"].update(cid=Member("member", 2))),
        ("members", lambda kept: kept.members["tea"].pop("ben")),
        ("members", lambda kept: kept.members["tea"].update(ben=Member("admin", 2))),
        ("receipts", lambda kept: kept.receipts["tea"].update(ben=Read(0))),
        ("receipts", lambda kept: kept.receipts["tea"].clear()),
        ("sanctions", lambda kept: kept.sanctions["tea"].clear()),
        ("sent", lambda kept: kept.sent["tea"].pop("ann/c")),
        ("sent", lambda kept: kept.sent["tea"].update({"ann/c": Sent(7, 0, b"")})),
        ("messages", lambda kept: kept.messages["tea"].pop("1")),
        ("messages", lambda kept: kept.messages["tea"].update({"1": _deleted(kept)})),
    ],
)
def test_what_a_table_has_otherwise_is_named(
    table: str, harm: Callable[[TableContents], Any]
) -> None:
    harmed = kept()
    harm(harmed)
    [line] = diff_tables(harmed, "tea", counted())
    assert line.startswith(f"tea: table {table} has ")


def _deleted(kept: TableContents) -> Message:
    return replace(kept.messages["tea"]["1"], deleted=True)
