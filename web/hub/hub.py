"""The hub: one subscription to Valkey, and from it each event to the subscribers of its room.

The hub puts the parts of delivery together and gives each message of Valkey to the part that it is
for. `web/hub/delivery_state.py` delivers; `web/hub/gap_repair.py`, `web/hub/reconnect.py` and
`web/hub/room_join.py` bring what the subscription alone does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.epoch_gate import EpochGate
from app.delivery.lookups import Lookups
from app.delivery.subscription import Subscription
from app.delivery.view import Logged, View
from app.domain.deployment import Deployment
from app.metrics.edge_metrics import EdgeMetrics
from app.runtime.retry import AWAY
from app.tracing.tracing import Tracing
from web.hub.broadcast import Send, write_to_audience
from web.hub.delivery_state import DeliveryState
from web.hub.epochs import Epochs
from web.hub.erasures import Erasures
from web.hub.gap_repair import GapRepair
from web.hub.reconnect import Reconnect
from web.hub.registry import Registry
from web.hub.room import Room
from web.hub.room_join import RoomJoins
from web.hub.sync_markers import SyncMarkers

#: The beginning of the channels of users.
_USER_CHANNEL = keys.user("").encode()

#: The partitions of a marker that is only to show that messages arrive.
PROBE = (0,)

#: Seconds for such a marker, which takes milliseconds.
_PROBE_SECONDS = 2.0

Handler = Callable[[bytes], Awaitable[None] | None]


class Hub:
    """Subscribes to the rooms of this edge's users, and delivers their events."""

    def __init__(
        self,
        redis: aioredis.Redis,
        view: View,
        *,
        partitions: int,
        edge: str,
        deployment: Deployment,
        cursor_keys: Sequence[bytes],
        metrics: EdgeMetrics,
        send: Send = write_to_audience,
        gate: EpochGate | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self.view = view
        self.metrics = metrics
        self.lookups = Lookups(redis, gate)
        self.markers = SyncMarkers(self.lookups, edge)
        self.subscription = Subscription(redis, self._on_message, self._on_reconnected)
        self.registry = Registry(view)
        self.state = DeliveryState(
            self.registry,
            partitions=partitions,
            deployment=deployment,
            cursor_keys=cursor_keys,
            unsubscribe=self.subscription.drop,
            metrics=metrics,
            send=send,
            tracing=tracing,
        )
        self._repair = GapRepair(self.state, view, self.lookups, self.markers)
        self._joins = RoomJoins(self.state, view, self.markers, self.subscription)
        self._reconnect = Reconnect(self.state, view, self.lookups, self._repair, self._joins)
        self._erasures = Erasures(self.state, self.lookups)
        self._epochs = Epochs(self.state, self.lookups)
        self._handlers: dict[bytes, Handler] = {}
        self._edge = edge
        self._was_connected = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect; returns when messages arrive."""
        for partition in range(len(self.state.frontier)):
            channel = keys.marks(partition, self._edge)
            self._handlers[channel.encode()] = self._repair.on_marker
        self._handlers[keys.erasures().encode()] = self._erasures.on_notice
        self._handlers[keys.epochs().encode()] = self._epochs.on_notice
        self.spawn(self.subscription.run())
        await self.subscription.add(self._handlers)

    async def stop(self) -> None:
        """End the subscription."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.lookups.close()

    def reconnect(self) -> None:
        """Close the connections to Valkey, which do not answer, and open others."""
        self.lookups.close()
        self.subscription.reconnect()

    async def hears(self) -> bool:
        """Whether messages of Valkey arrive: a connection may be silent without having ended."""
        if not self.subscription.connected:
            return False
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await self.markers.sync((), PROBE)
        except AWAY:
            return False
        return True

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a task until it ends or the hub stops."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def listen(self, channel: str, handler: Handler) -> None:
        """Have `handler` called for each message of the channel, in order with all others.

        Where the handler returns an awaitable, it is awaited before the next message.
        """
        self._handlers[channel.encode()] = handler
        await self.subscription.add([channel.encode()])

    def _on_message(self, channel: bytes, data: bytes) -> Awaitable[None] | None:
        room = self.registry.by_channel.get(channel)
        if room is not None:
            return self._on_room(room, data)
        if channel.startswith(_USER_CHANNEL):
            user = self.registry.users.get(channel[len(_USER_CHANNEL) :].decode())
            if user is not None:
                self._joins.on_user_channel(user, data)
            return None
        handler = self._handlers.get(channel)
        return None if handler is None else handler(data)

    def _on_room(self, room: Room, data: bytes) -> Awaitable[None] | None:
        if data.startswith(b"- "):
            self.state.tell(room.audience().subscribers, data[2:])
            return None
        pos, n, event = data.split(b" ", 2)
        return self._repair.receive(room, Logged(int(n), int(pos), event))

    async def _on_reconnected(self) -> None:
        await self._epochs.catch_up()
        self.metrics.reconnects.add(times=self._was_connected)
        self._was_connected = True
        await self._erasures.catch_up()
        await self._reconnect.catch_up()
        self.spawn(self.markers.request_again())
