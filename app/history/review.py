"""The review queue and the audit log of moderation, in the history store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from app.domain.review import Item, item_of, take
from app.events import AnyAct, Held, Reported, Ruled, decode_act, encode
from app.history.forgotten import until
from app.history.schema import acts, reviews

_decode = msgspec.json.Decoder(Item).decode

#: (at_ms, id) of the last entry of a page.
Place = tuple[int, str]


def record(connection: Connection, given: Sequence[AnyAct]) -> None:
    """Store actions in their order, each once, and apply them to the queue."""
    gone = until(connection, {name for act in given for name in _people(act)})
    kept = [seen for act in given if (seen := _without(act, gone)) is not None]
    if not kept:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    new = dialect.insert(acts).on_conflict_do_nothing(index_elements=["id"])
    connection.execute(new, [_row(act) for act in kept])
    ids = {name for act in kept if (name := item_of(act))}
    before = _read(connection, ids)
    after = dict(before)
    for act in kept:
        if (name := item_of(act)) and (item := take(after.get(name), act)) is not None:
            after[name] = item
    changed = [item for name, item in after.items() if item != before.get(name)]
    if changed:
        put = dialect.insert(reviews)
        known = {name: put.excluded[name] for name in ("status", "item")}
        upsert = put.on_conflict_do_update(index_elements=["id"], set_=known)
        connection.execute(upsert, [_item_row(item) for item in changed])


def item(connection: Connection, name: str) -> Item | None:
    """An item of the queue."""
    return _read(connection, {name}).get(name)


def queue(
    connection: Connection, rooms: Sequence[str] | None, status: str, after: Place, limit: int
) -> list[Item]:
    """Items of the rooms (`None`: all) with this status, the oldest first."""
    place = tuple_(reviews.c.at_ms, reviews.c.id)
    wanted = select(reviews.c.item).where(place > after)
    if rooms is not None:
        wanted = wanted.where(reviews.c.room.in_(rooms))
    if status:
        wanted = wanted.where(reviews.c.status == status)
    wanted = wanted.order_by(reviews.c.at_ms, reviews.c.id).limit(limit)
    return [_decode(raw) for raw in connection.scalars(wanted)]


def account(
    connection: Connection, rooms: Sequence[str] | None, before: Place | None, limit: int
) -> list[tuple[Place, AnyAct]]:
    """The audit log of the rooms (`None`: all and everywhere), the newest first."""
    wanted = select(acts.c.at_ms, acts.c.id, acts.c.act)
    if rooms is not None:
        wanted = wanted.where(acts.c.room.in_(rooms))
    if before is not None:
        wanted = wanted.where(tuple_(acts.c.at_ms, acts.c.id) < before)
    wanted = wanted.order_by(acts.c.at_ms.desc(), acts.c.id.desc()).limit(limit)
    return [((at_ms, name), decode_act(raw)) for at_ms, name, raw in connection.execute(wanted)]


def forget(connection: Connection, user: str, until_ms: int) -> None:
    """Remove the user's words up to then, and the user's name as their author."""
    said = (acts.c.by == user) & (acts.c.at_ms <= until_ms) & acts.c.kind.in_(["ruled", "held"])
    connection.execute(delete(acts).where(said))
    theirs = (reviews.c.author == user) & (reviews.c.at_ms <= until_ms)
    found = connection.execute(select(reviews.c.id, reviews.c.item).where(theirs)).all()
    cleared = [(name, _item_row(_cleared(_decode(raw)))) for name, raw in found]
    rows = [{"which": name, "author": row["author"], "item": row["item"]} for name, row in cleared]
    if rows:
        same = reviews.c.id == bindparam("which")
        connection.execute(update(reviews).where(same), rows)


def _cleared(one: Item) -> Item:
    return replace(one, author="", text="", ruling=None, message=None)


def _people(act: AnyAct) -> tuple[str, ...]:
    if isinstance(act, Reported):
        return (act.author,)
    return (act.by,) if isinstance(act, Ruled | Held) else ()


def _without(act: AnyAct, gone: dict[str, int]) -> AnyAct | None:
    """The action without the words of a forgotten user; `None` if nothing is left."""
    if not any(act.at_ms <= gone.get(user, -1) for user in _people(act)):
        return act
    return replace(act, author="", text="") if isinstance(act, Reported) else None


def _read(connection: Connection, ids: set[str]) -> dict[str, Item]:
    if not ids:
        return {}
    wanted = select(reviews.c.item).where(reviews.c.id.in_(sorted(ids)))
    return {one.id: one for one in map(_decode, connection.scalars(wanted))}


def _row(act: AnyAct) -> dict[str, Any]:
    kind = str(type(act).__struct_config__.tag)
    return {
        "id": f"{kind}-{act.id}",
        "room": act.room,
        "by": act.by,
        "kind": kind,
        "at_ms": act.at_ms,
        "act": encode(act),
    }


def _item_row(one: Item) -> dict[str, Any]:
    return {
        "id": one.id,
        "room": one.room,
        "status": one.status,
        "at_ms": one.at_ms,
        "author": one.author,
        "item": msgspec.json.encode(one),
    }
