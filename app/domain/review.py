"""The review queue: held and reported messages, and what people made of them."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from app.events import AnyAct, Held, Reported, Reviewed, Ruling, SendMessage

#: What can be done with each kind of item, and what it is then.
ACTIONS: Final = {
    "held": {"approve": "approved", "reject": "rejected"},
    "report": {"remove": "removed", "dismiss": "dismissed"},
}

#: Reports and decisions that an item keeps, each.
_MOST: Final = 100


class Report(Struct, frozen=True):
    """Somebody's report of a message."""

    id: str
    by: str
    at_ms: int
    reason: str = ""


class Decision(Struct, frozen=True):
    """What somebody did with an item."""

    id: str
    by: str
    at_ms: int
    action: str
    reason: str = ""


class Item(Struct, frozen=True, omit_defaults=True):
    """An item of the queue; `open` until somebody decides, and again after another report.

    A `held` one has the `message` that waits and the verdict, a `report` the message's `seq` and
    what it said when it was reported first.
    """

    id: str
    kind: str
    room: str
    at_ms: int
    author: str
    text: str
    status: str = "open"
    seq: int = 0
    ruling: Ruling | None = None
    message: SendMessage | None = None
    reports: tuple[Report, ...] = ()
    decisions: tuple[Decision, ...] = ()


def item_of(act: AnyAct) -> str:
    """The id of the item that an act is about; empty for none."""
    match act:
        case Held():
            wish = f"{act.room}/{act.by}/{act.message.client_id}"
            return "held-" + blake2b(wish.encode(), digest_size=12).hexdigest()
        case Reported():
            return report_id(act.room, act.seq)
        case Reviewed():
            return act.item
    return ""


def report_id(room: str, seq: int) -> str:
    """The id of the item of a reported message."""
    return f"report-{room}-{seq}"


def take(item: Item | None, act: AnyAct) -> Item | None:
    """The item after an act; the same item where it has seen that already."""
    match act:
        case Held() if item is None:
            return Item(
                id=item_of(act),
                kind="held",
                room=act.room,
                at_ms=act.at_ms,
                author=act.by,
                text=act.message.text,
                ruling=act.ruling,
                message=act.message,
            )
        case Reported():
            return _reported(item, act)
        case Reviewed() if item is not None:
            return _reviewed(item, act)
    return item


def _reported(item: Item | None, act: Reported) -> Item:
    report = Report(act.id, act.by, act.at_ms, act.reason)
    if item is None:
        return Item(
            id=item_of(act),
            kind="report",
            room=act.room,
            at_ms=act.at_ms,
            author=act.author,
            text=act.text,
            seq=act.seq,
            reports=(report,),
        )
    if any(known.id == act.id for known in item.reports) or len(item.reports) >= _MOST:
        return item
    return replace(
        item,
        reports=(*item.reports, report),
        status=item.status if item.status == "removed" else "open",
    )


def _reviewed(item: Item, act: Reviewed) -> Item:
    status = ACTIONS[item.kind].get(act.action)
    if status is None or any(known.id == act.id for known in item.decisions):
        return item
    decision = Decision(act.id, act.by, act.at_ms, act.action, act.reason)
    return replace(item, status=status, decisions=(*item.decisions, decision)[-_MOST:])
