"""`chat.subscriptions`: which services outside get events; `chat.deliveries`: what has failed."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import Natural, decoded


class Subscription(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A subscription as `by` has set it; the newest record of an id counts.

    It gets the events of these `kinds` (`message.*`: all that begin so; none: all of the log) in
    the rooms that match one of the patterns `rooms` (none: all). They are sent to `url`, up to
    `batch` in one request, with up to `parallel` requests under way; without a URL its reader pulls
    them. `sealed` is the secret of its signatures, encrypted; empty: one that follows from the
    deployment's secret and the id.

    `moves` counts how often it was moved; with each move it begins anew with the events of the time
    `from_ms` or later, or in one partition of the log with the event `from_event`. Where `paused`,
    `why` says the reason.
    """

    id: str
    by: str
    at_ms: Natural
    url: str = ""
    name: str = ""
    kinds: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    batch: Natural = 1
    parallel: Natural = 8
    timeout_ms: Natural = 10_000
    sealed: str = ""
    from_ms: Natural = 0
    from_event: str = ""
    moves: Natural = 0
    paused: bool = False
    why: str = ""


class DeliveryFailed(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="delivery.failed"
):
    """An event that a subscription's endpoint did not take, in `tries` attempts.

    The event is that of `pos` and `epoch` in the partition of the topic, where it had this offset.
    """

    subscription: str
    event: str
    type: str
    topic: str
    partition: Natural
    epoch: Natural
    pos: Natural
    offset: Natural
    room: str
    tries: Natural
    since_ms: Natural
    at_ms: Natural
    why: str


class SubscriptionLag(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """How far a subscription is behind in a partition of a topic: `behind` events.

    `since_ms` is the time of the oldest of them, `rooms` those of which an event is tried again,
    `why` what the last of them failed with.
    """

    subscription: str
    topic: str
    partition: Natural
    at_ms: Natural
    behind: Natural = 0
    since_ms: Natural = 0
    rooms: tuple[str, ...] = ()
    why: str = ""


class SubscriptionLags(SubscriptionLag, frozen=True, kw_only=True, tag="subscription.lags"):
    """The oldest of a subscription's events has waited for a minute or longer."""


class SubscriptionFollows(SubscriptionLag, frozen=True, kw_only=True, tag="subscription.follows"):
    """A subscription's events do not wait, or not for long."""


class SubscriptionPaused(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="kind",
    tag="subscription.paused",
):
    """A subscription was paused by Parley, for the reason `why`."""

    subscription: str
    at_ms: Natural
    why: str


class PushFailed(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="push.failed"
):
    """A call of a user that one of the user's push subscriptions did not get, in `tries` attempts.

    The call was of the message `n` of the room. Where the subscription is `gone`, it is removed.
    """

    user: str
    push: str
    room: str
    n: Natural
    tries: Natural
    at_ms: Natural
    why: str
    gone: bool = False


OfSubscription = DeliveryFailed | SubscriptionLags | SubscriptionFollows | SubscriptionPaused
AnyDelivery = OfSubscription | PushFailed


class SendAgain(Struct, frozen=True, kw_only=True):
    """A record of the group's own topic: this event is to be sent to the subscription again."""

    subscription: str
    topic: str
    partition: Natural
    epoch: Natural
    pos: Natural
    offset: Natural


_subscriptions: Final[Decoder[Subscription]] = Decoder(Subscription)
_deliveries: Final[Decoder[AnyDelivery]] = Decoder(AnyDelivery)
_again: Final[Decoder[SendAgain]] = Decoder(SendAgain)


def decode_subscription(value: bytes | None) -> Subscription:
    """A `chat.subscriptions` record; raises `Malformed` with the reason."""
    return decoded(_subscriptions, value)


def decode_delivery(value: bytes | None) -> AnyDelivery:
    """A `chat.deliveries` record; raises `Malformed` with the reason."""
    return decoded(_deliveries, value)


def decode_send_again(value: bytes | None) -> SendAgain:
    """A record of `parley-subscriptions-again`; raises `Malformed` with the reason."""
    return decoded(_again, value)
