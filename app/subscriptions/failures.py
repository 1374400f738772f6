"""The keys of `chat.deliveries`, by which a record takes the place of an earlier one."""

from __future__ import annotations

from app.events import DeliveryFailed, SendAgain
from app.subscriptions.event_window import Source


def failure_key(failed: DeliveryFailed | SendAgain) -> str:
    """The key of an event that was given up."""
    place = f"{failed.topic}/{failed.partition}/{failed.epoch}.{failed.pos}"
    return f"{failed.subscription}/{place}"


def lag_key(subscription: str, source: Source) -> str:
    """The key of how far a subscription is behind in a partition."""
    return f"{subscription}/{source.topic}/{source.partition}"


def pause_key(subscription: str) -> str:
    """The key of a pause."""
    return f"{subscription}/paused"
