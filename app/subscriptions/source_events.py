"""The events of the topics, in the form in which endpoints get them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from app.domain.subscriptions.backlog import NOTHING
from app.domain.subscriptions.interest import Interest
from app.domain.subscriptions.kinds import ACTS
from app.errors import Malformed
from app.events import (
    POS,
    TRACEPARENT,
    Act,
    Connection,
    DeliveryFailed,
    Position,
    PushFailed,
    Receipt,
    SubscriptionFollows,
    Verdict,
    decode_act,
    decode_connection,
    decode_delivery,
    decode_receipt,
    decode_verdict,
    encode,
    position_of,
    traceparent_of,
)
from app.runtime.clock import now_ms
from app.topics import CONNECTIONS, DELIVERIES, LOG, MODERATION, RECEIPTS, VERDICTS


class SourceEvent(NamedTuple):
    """An event of a partition, made once for all subscriptions.

    `lane` is the room, or what else keeps the order: a user, a subscription. `kind` is empty for a
    record that nobody gets; one that is no event has no position either. `about` is the
    subscription that the event speaks of, which does not get it itself. `id` is the same in every
    attempt. `body` is JSON.
    """

    kind: str
    lane: str
    room: str
    position: Position
    offset: int
    at_ms: int
    id: str
    body: bytes
    about: str = ""
    #: The `traceparent` of a log event whose message is traced.
    trace: str = ""


class _Head(msgspec.Struct):
    """What of a log event decides whether a subscription gets it."""

    kind: str
    room: str
    at_ms: int
    shadow: Any = None


_heads: Final = msgspec.json.Decoder(_Head)


def source_event(record: Any, origin: int) -> SourceEvent:
    """The event of a record; `origin` is that of the offsets of its topic.

    It has no kind where nobody gets it: the record is none of Parley's, or only its author sees it.
    """
    topic, offset, value = record.topic, record.offset, record.value or b""
    position = Position(origin, offset)
    try:
        if topic == LOG:
            headers = dict(record.headers)
            position = position_of(headers.get(POS), offset)
            head = _heads.decode(value)
            kind = head.kind if head.shadow is None else ""
            lane = room = head.room
            at_ms, about, data = head.at_ms, "", value
            place = traceparent_of(headers.get(TRACEPARENT))
            trace = "" if place is None else str(place)
        else:
            kind, lane, room, at_ms, about, data = _OTHERS[topic](value)
            trace = ""
    except (Malformed, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return SourceEvent("", "", "", NOTHING, offset, 0, "", b"")
    at_ms = at_ms or _time_of(record)
    name = f"evt_{topic.removeprefix('chat.')}-{record.partition}-{position.epoch}-{position.pos}"
    body = _body(name, kind, at_ms, data) if kind else b""
    return SourceEvent(kind, lane, room, position, offset, at_ms, name, body, about, trace)


def trial_event(subscription: str, at_ms: int) -> SourceEvent:
    """An event by which an owner tries the endpoint."""
    name = f"evt_test-{subscription}-{at_ms}"
    data = msgspec.json.encode({"subscription": subscription})
    body = _body(name, "subscription.test", at_ms, data)
    return SourceEvent(
        "subscription.test", "", "", Position(0, 0), 0, at_ms, name, body, subscription
    )


def is_for(event: SourceEvent, subscription: str, interest: Interest) -> bool:
    """Whether a subscription gets the event: not one about itself, which would have no end."""
    if not event.kind or event.about == subscription:
        return False
    return interest.has(event.kind, event.room)


def batch_body(bodies: Sequence[bytes]) -> bytes:
    """The body of a request with several events."""
    return b'{"events":[' + b",".join(bodies) + b"]}"


def _body(name: str, kind: str, at_ms: int, data: bytes) -> bytes:
    at = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    head = json.dumps({"id": name, "type": kind, "timestamp": at.replace("+00:00", "Z")})
    return head[:-1].encode() + b', "data": ' + data + b"}"


def _time_of(record: Any) -> int:
    """The time of a record whose event has none; the stream's own records come without theirs."""
    return int(getattr(record, "timestamp", 0)) or now_ms()


#: Of a record: kind, lane, room, time, subscription that it is about, data.
_Parts = tuple[str, str, str, int, str, bytes]


def _receipt(value: bytes) -> _Parts:
    one: Receipt = decode_receipt(value)
    data = msgspec.json.encode({"room": one.room, "user": one.by, "seq": one.seq})
    return "receipt.read", one.room, one.room, 0, "", data


def _connection(value: bytes) -> _Parts:
    one: Connection = decode_connection(value)
    fields = {
        "user": one.user,
        "connection": one.connection,
        "transport": one.transport,
        "at_ms": one.at_ms,
    }
    if one.why:
        fields["why"] = one.why
    return f"connection.{one.what}", one.user, "", one.at_ms, "", msgspec.json.encode(fields)


def _verdict(value: bytes) -> _Parts:
    one: Verdict = decode_verdict(value)
    if one.refusal is None:
        return "", "", "", 0, "", b""
    data = msgspec.json.encode(
        {
            "room": one.room,
            "by": one.by,
            "client_id": one.client_id,
            "code": one.refusal.code,
            "reason": one.refusal.reason,
        }
    )
    return "command.refused", one.room, one.room, 0, "", data


def _act(value: bytes) -> _Parts:
    one: Act = decode_act(value)
    kind = f"{ACTS}{one.__struct_config__.tag}"
    return kind, one.room or one.id, one.room, one.at_ms, "", encode(one)


def _delivery(value: bytes) -> _Parts:
    if not value:
        return "", "", "", 0, "", b""
    one = decode_delivery(value)
    if isinstance(one, PushFailed):
        return "push.failed", one.user, one.room, one.at_ms, "", encode(one)
    room = one.room if isinstance(one, DeliveryFailed) else ""
    # Where an event is tried again nothing is over, whatever was told before.
    tries = isinstance(one, SubscriptionFollows) and one.rooms
    kind = "" if tries else str(one.__struct_config__.tag)
    return kind, one.subscription, room, one.at_ms, one.subscription, encode(one)


_OTHERS: Final[dict[str, Callable[[bytes], _Parts]]] = {
    RECEIPTS: _receipt,
    CONNECTIONS: _connection,
    VERDICTS: _verdict,
    MODERATION: _act,
    DELIVERIES: _delivery,
}
