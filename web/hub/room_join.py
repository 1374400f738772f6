"""Joining a room while connected: its events come from the one of joining on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from app.delivery.subscription import Subscription
from app.delivery.view import Logged, View
from app.domain.leaving import leaver, left
from app.errors import Malformed, Unreachable
from app.events import MemberAdded, RoomCreated, decode_log
from app.runtime.retry import AWAY
from web.hub.backfill import item
from web.hub.delivery_state import DeliveryState
from web.hub.room import BROKEN, UNAVAILABLE, Room, Subscriber, User
from web.hub.sync_markers import SyncMarkers

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class RoomJoins:
    """Brings users into rooms that they join while they are connected."""

    def __init__(
        self,
        state: DeliveryState,
        view: View,
        markers: SyncMarkers,
        subscription: Subscription,
    ) -> None:
        self._state = state
        self._view = view
        self._markers = markers
        self._subscription = subscription
        self._joining: set[asyncio.Task[None]] = set()

    def on_user_channel(self, user: User, data: bytes) -> None:
        """Take a message of the user's own channel: an event of membership, or a state."""
        try:
            event = decode_log(data)
        except Malformed:  # a state of the user's, such as unread
            self._state.tell(user.subscribers, data)
            return
        if isinstance(event, MemberAdded | RoomCreated):
            self.join(user.name, event.room, event.n)
        elif left(event) == user.name:
            self._leave(user, event.room, event.n)

    def join(self, name: str, room: str, n: int) -> None:
        """Bring a user into a room that they may have joined by event `n`."""
        registry = self._state.registry
        user = registry.users.get(name)
        if user is None or user.has_left(room, n) or registry.rooms.get(room) in user.rooms:
            return
        subscribers = self._state.join(user, room, n)
        user.joining += 1
        task = asyncio.create_task(self._join(user, subscribers, registry.rooms[room]))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    def _leave(self, user: User, name: str, n: int) -> None:
        """Where the room was followed already, its own channel brings the same event."""
        if not user.settled:
            user.note_left(name, n)
        room = self._state.registry.rooms.get(name)
        if room is not None and user.rooms.get(room, n) < n:
            self._state.part(user, room)

    async def _join(self, user: User, subscribers: Sequence[Subscriber], room: Room) -> None:
        try:
            await self._follow(user, subscribers, room)
        except AWAY as error:
            log.info("a room could not be joined", error=repr(error))
            _end_all(user, *UNAVAILABLE)
        except Exception:
            log.exception("a room could not be joined", user=user.name, room=room.name)
            _end_all(user, *BROKEN)
        finally:
            user.joining -= 1
            user.since = self._state.recent.last + 1
            for subscriber in subscribers:
                self._state.release(subscriber)

    async def _follow(self, user: User, subscribers: Sequence[Subscriber], room: Room) -> None:
        subscription = self._subscription
        connection = -1
        # A connection lost meanwhile may have lost an event of a room that is new here: try again.
        while connection != subscription.count and room in user.rooms:
            connection = subscription.count
            await subscription.add([room.channel])
            await self._catch_up(user, subscribers, room)

    async def _catch_up(self, user: User, subscribers: Sequence[Subscriber], room: Room) -> None:
        told = user.rooms.get(room)
        # While the view is refilled, it tells every user of all rooms that they ever joined.
        n = await self._view.joined(room.name, user.name)
        known = user.rooms.get(room)
        if n is None or known is None or known != told:
            # They have left meanwhile. If they came again, that is another joining.
            if known == told:
                self._state.part(user, room)
            _forget(subscribers, room, user.rooms.get(room))
            return
        user.rooms[room] = n
        await self._read(user.name, subscribers, room, n)
        if not await self._markers.sync([room]):
            raise Unreachable("the view in Valkey is being filled")

    async def _read(self, user: str, subscribers: Sequence[Subscriber], room: Room, n: int) -> None:
        """Have the present events from `n` on wait for the subscribers."""
        if not subscribers:
            return
        head = await self._view.room(room.name)
        if head is None:
            return
        wanted = range(n, head.n + 1)
        missed = await self._view.published(room.name, wanted)
        lacking = [logged.n for logged in missed] != list(wanted)
        items = [item(room, logged) for logged in _until_left(user, missed, n)]
        for subscriber in subscribers:
            if lacking:
                self._state.tell_reset(subscriber, room)
            subscriber.waiting += items


def _until_left(user: str, events: Sequence[Logged], joined: int) -> Sequence[Logged]:
    """The events up to that by which the user left again, if there is one."""
    for index, logged in enumerate(events):
        if logged.n > joined and leaver(logged.event) == user:
            return events[: index + 1]
    return events


def _forget(subscribers: Sequence[Subscriber], room: Room, joined: int | None) -> None:
    """Let none of the room's events wait, or none from before it was joined."""
    for subscriber in subscribers:
        subscriber.waiting = [
            one
            for one in subscriber.waiting
            if one.room != room.name or (joined is not None and one.n >= joined)
        ]


def _end_all(user: User, code: str, reason: str) -> None:
    """End the user's streams and polls, since a room is unknown; when they return, all is read."""
    user.settled = False
    for subscriber in tuple(user.subscribers):
        subscriber.end(code, reason)
