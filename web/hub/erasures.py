"""Erasures: words of forgotten people, and old ones, are removed from the memory of this edge.

A notice comes on the same connection as the events, in the order in which Valkey published both.
`parley forget` publishes it when the view has every event that it erases. So they have all been
here before it, or will be read from a window that no longer has the words.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from app.delivery.erasures import Notice, decode_notice
from app.delivery.lookups import Lookups
from app.domain.erasure import Extent, Placed, without_erased, without_older
from app.domain.event_merge import Item
from app.events import decode_log, encode
from web.hub.delivery_state import DeliveryState

log = structlog.get_logger()


class Erasures:
    """Takes notices of erasures; after a missed one the edge forgets all recent events."""

    def __init__(self, state: DeliveryState, lookups: Lookups) -> None:
        self._state = state
        self._lookups = lookups
        #: The number of the last notice; `None` before the first connection.
        self._number: int | None = None

    def on_notice(self, data: bytes) -> None:
        """Take a notice: rewrite what it is about."""
        notice = decode_notice(data)
        before, self._number = self._number, notice.number
        # It may have been counted already, when this connection began.
        if before is not None and notice.number not in (before, before + 1):
            self._forget_all()
        self._state.rewrite(_erasing(notice))

    async def catch_up(self) -> None:
        """Find out whether a notice was missed; to be called with each new connection."""
        number = await self._lookups.erasures()
        before, self._number = self._number, number
        if before not in (None, number):
            self._forget_all()

    def _forget_all(self) -> None:
        log.info("an erasure was missed: the recent events are forgotten")
        self._state.recent.clear()


def _erasing(notice: Notice) -> Callable[[Item], bytes]:
    """The event of an item without the words that the notice is about."""
    gone = set(notice.gone)
    erased = {notice.user: Extent(notice.until_ms, notice.ends)}

    def of_person(item: Item) -> bytes:
        event = decode_log(item.event)
        after = without_erased(Placed(item.partition, item.pos, event), erased, gone)
        return item.event if after is event else encode(after)

    def of_room(item: Item) -> bytes:
        if item.room != notice.room:
            return item.event
        event = decode_log(item.event)
        after = without_older(event, notice.before_ms)
        return item.event if after is event else encode(after)

    return of_room if notice.room else of_person
