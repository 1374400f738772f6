"""The review queue: held and reported messages, and decisions on them."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from app.events import AnyAct, Held, Reported, Reviewed, Ruling, SendMessage

#: By kind of item: the possible actions and the status after each.
ACTIONS: Final = {
    "held": {"approve": "approved", "reject": "rejected"},
    "report": {"remove": "removed", "dismiss": "dismissed"},
}

#: The most reports, and the most decisions, of an item.
_MOST: Final = 100


class Report(Struct, frozen=True):
    """A user's report of a message."""

    id: str
    by: str
    at_ms: int
    reason: str = ""


class Decision(Struct, frozen=True):
    """A decision on an item."""

    id: str
    by: str
    at_ms: int
    action: str
    reason: str = ""


class Item(Struct, frozen=True, omit_defaults=True):
    """An item of the queue; `open` until a decision, and again after another report.

    A `held` item has the `message` and its ruling, a `report` the message's `seq` and its text at
    the first report.
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


def may_see(user: str, item: Item) -> bool:
    """Whether a moderator sees an item, and decides on it: not on their own message.

    They would learn who has reported it.
    """
    return item.author != user


def item_of(act: AnyAct) -> str:
    """The id of the item that an action is about; empty for none."""
    match act:
        case Held():
            command = f"{act.room}/{act.by}/{act.message.client_id}"
            return "held-" + blake2b(command.encode(), digest_size=12).hexdigest()
        case Reported():
            return report_id(act.room, act.seq)
        case Reviewed():
            return act.item
    return ""


def report_id(room: str, seq: int) -> str:
    """The id of the item of a reported message."""
    return f"report-{room}-{seq}"


def take(item: Item | None, act: AnyAct) -> Item | None:
    """The item after an action; the same item if it has that action already."""
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
