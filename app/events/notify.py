"""`chat.notify`: what users want to be notified of, and where."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from msgspec.json import Decoder

from app.events.codec import Natural, decoded

#: `all` messages, `mentions` of the user alone, or `none`.
Level = Literal["all", "mentions", "none"]

Minute = Annotated[int, Meta(ge=0, le=24 * 60 - 1)]


class Quiet(Struct, frozen=True):
    """Hours of each day, in minutes since midnight in the time zone, in which nobody is called.

    They may begin on one day and end on the next; where the two are the same there are none.
    """

    begins: Minute
    ends: Minute
    zone: str


class NotifyUser(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="notify.user"
):
    """What a user wants of rooms without a level of their own.

    With `mentions` these are mentions, and all messages of direct rooms. Nothing is sent before
    `mute_until_ms`.
    """

    user: str
    at_ms: Natural
    level: Level = "mentions"
    quiet: Quiet | None = None
    mute_until_ms: Natural = 0


class NotifyRoom(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="notify.room"
):
    """What a user wants of one room; without a level, what the user wants of all."""

    user: str
    room: str
    at_ms: Natural
    level: Level | None = None
    mute_until_ms: Natural = 0


class PushSubscription(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="push.subscription"
):
    """Where a user is called: a browser, or a device of the operator's gateway.

    A browser has the URL `endpoint` at its push service, and two keys in base64url (RFC 8291):
    its public key `p256dh` and the secret `auth`. `device` is what the gateway knows it by.
    """

    user: str
    id: str
    at_ms: Natural
    endpoint: str = ""
    p256dh: str = ""
    auth: str = ""
    device: str = ""
    name: str = ""


AnyNotify = NotifyUser | NotifyRoom | PushSubscription

_decoder: Final[Decoder[AnyNotify]] = Decoder(AnyNotify)


def decode_notify(value: bytes | None) -> AnyNotify:
    """A `chat.notify` record; raises `Malformed` with the reason."""
    return decoded(_decoder, value)


def notify_key(one: AnyNotify) -> str:
    """The key of a record: the newest of each counts, and a tombstone removes it.

    The user comes first; no user's id has a `/`.
    """
    match one:
        case NotifyUser():
            return one.user
        case NotifyRoom():
            return f"{one.user}/room/{one.room}"
        case PushSubscription():
            return f"{one.user}/push/{one.id}"
