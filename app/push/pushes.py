"""The calls of a worker: begun by messages of its partitions, sent when they are due.

It runs on the loop of Parley's own agents (app/stream/batch_loop.py). A call is in the table before
the offset of its message is committed, and leaves it once it was sent or withdrawn. So after a
crash a call may be sent again, and none is left out.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from typing import Any, Final, NamedTuple

import structlog
from msgspec.structs import replace

from app.delivery.valkey import connect
from app.delivery.view import View
from app.domain.push import calls as rules
from app.domain.push.calls import Call, Fate, Seen
from app.domain.sanctions import refusal_of
from app.errors import Malformed
from app.events import (
    POS,
    MemberAdded,
    MemberRemoved,
    MessageCreated,
    PushFailed,
    PushSubscription,
    RoomCreated,
    decode_log,
    notify_key,
    position_of,
)
from app.kafka.log_positions import header_of
from app.kafka.producer import new_producer
from app.kafka.record import Record
from app.moderation.active_rules import ActiveRules, active_rules
from app.push.call_states import Asked, CallStates, State
from app.push.failed_pushes import report
from app.push.local_time import minute_of_day
from app.push.notification import Notification, notification
from app.push.notify_directory import NotifyDirectory, remove
from app.push.push_requests import Outcome
from app.push.room_index import RoomIndex
from app.push.targets import Targets
from app.runtime.clock import now_ms
from app.runtime.retry import AWAY, retry_while_away
from app.settings import Settings
from app.stream.batch import Batch
from app.stream.side_work import SideWork
from app.stream.table import Table
from app.topics import LOG, wrong_partition

log = structlog.get_logger()

#: Seconds between two looks at what is due, and the most calls of one look.
_LOOK_SECONDS: Final = 0.1
_LOOK_CALLS: Final = 200

#: Seconds before what is not in the view yet is looked at again.
_BEHIND_SECONDS: Final = 1.0

#: Users whose rooms are looked up at once.
_USERS: Final = 200

#: How records begin that matter here.
_MESSAGE: Final = b'{"kind":"message.created"'
_MEMBERS: Final = (b'{"kind":"member.', b'{"kind":"room.created"')


class _Place(NamedTuple):
    partition: int
    room: str
    user: str

    @property
    def key(self) -> str:
        return f"{self.room}/{self.user}"


class Pushes:
    """Calls absent members of the rooms on this worker's partitions."""

    def __init__(self, app: Any, table: Table[Call]) -> None:
        settings: Settings = app.context.settings
        self._app = app
        self._settings = settings
        self._table = table
        self._wait_ms = round(settings.push_wait * 1000)
        redis = connect(settings.redis)
        self._view = View(redis, settings.partitions)
        self._states = CallStates(redis, settings.partitions)
        self._targets = Targets(settings)
        self._directory = NotifyDirectory(settings, self._changed)
        self._index = RoomIndex(self._directory.levels)
        self._producer = new_producer(settings)
        #: For the bans that hold everywhere.
        self._rules: ActiveRules | None = None
        self._generation = -1
        #: Calls that wait, and when each is due; one that was replaced stands there still.
        self._waiting: dict[_Place, Call] = {}
        self._due: list[tuple[int, _Place]] = []
        #: Calls on their way, and those that came to an end or changed, until the table has them.
        self._under_way: dict[_Place, Call] = {}
        self._ended: list[tuple[_Place, Call, Call | None]] = []
        #: Users whose subscriptions have changed since the last batch.
        self._news: set[str] = set()
        self._side = SideWork(app)
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when it is known who has subscribed, and who is banned."""
        self._rules = await active_rules(self._settings)
        await self._directory.start()
        await self._producer.start()
        self._looking = asyncio.create_task(self._look())
        self._looking.add_done_callback(self._side.ended)

    async def stop(self) -> None:
        """Send nothing more."""
        if self._looking is not None:
            self._looking.cancel()
        self._drop_all()
        await self._directory.stop()
        await self._targets.close()
        await self._producer.stop()

    async def turn(self, batch: Batch) -> None:
        """Begin the calls of a batch, and store what became of earlier ones."""
        self._side.check()
        if batch.generation != self._generation:
            self._generation = batch.generation
            self._drop_all()
            self._load_calls()
            self._news = set(self._directory.people)
        if self._news:
            await retry_while_away("Valkey", self._learn_rooms)
        for record in batch.records:
            self._take(record)
        self._store()

    # ── who is subscribed, and in which rooms ────────────────────────────────────────────────

    def _changed(self, user: str) -> None:
        """A user's levels or subscriptions have changed."""
        self._index.changed(user)
        if bool(self._directory.subscriptions(user)) != (user in self._index):
            self._news.add(user)
            self._side.wake_soon()

    async def _learn_rooms(self) -> None:
        while self._news:
            users = [user for _, user in zip(range(_USERS), self._news, strict=False)]
            new = [user for user in users if self._directory.subscriptions(user)]
            found = await self._view.rooms_of_all(new) if new else []
            for user, rooms in zip(new, found, strict=True):
                self._index.add(user, rooms)
            for user in set(users).difference(new):
                self._index.remove(user)
            self._news.difference_update(users)

    # ── messages ─────────────────────────────────────────────────────────────────────────────

    def _take(self, record: Record) -> None:
        value = record.value
        if value.startswith(_MESSAGE):
            # Most rooms have nobody to call: their messages are not decoded.
            if (record.key or b"").decode("utf-8", "replace") not in self._index.rooms:
                return
        elif not value.startswith(_MEMBERS):
            return
        try:
            event = decode_log(record.value)
            position = position_of(header_of(record, POS), record.offset)
        except Malformed:
            return  # the archive says so
        room, n = event.room, event.n
        if wrong_partition(room, record.partition, self._settings.partitions):
            return
        if isinstance(event, MemberAdded | RoomCreated):
            for user in filter(None, (event.user, event.by)):
                if user in self._index and (user == event.user or isinstance(event, RoomCreated)):
                    self._index.note(room, user, n)
        elif isinstance(event, MemberRemoved):
            if event.user in self._index:
                self._index.note(room, event.user, -n)
        elif isinstance(event, MessageCreated) and event.shadow is None:
            called = self._index.called(room, n, event.mentions, everyone=event.everyone)
            for user, mentioned in list(called):
                if user != event.by:
                    place = _Place(record.partition, room, user)
                    due_ms = now_ms() + self._wait_ms
                    known = self._waiting.get(place)
                    args = (position, n, event.seq, event.at_ms, due_ms, mentioned)
                    self._write(place, rules.begun(known, *args))

    def _write(self, place: _Place, call: Call) -> None:
        """Write a call to the table; one that the table has been done with does not come back."""
        self._table.read(place.partition, place.key)  # its version decides
        self._table.write(place.partition, place.key, call, call.version)
        now = self._table.read(place.partition, place.key)
        if now is not None and now.pos == call.pos and now.epoch == call.epoch:
            self._put(place, now)

    def _put(self, place: _Place, call: Call) -> None:
        self._waiting[place] = call
        heapq.heappush(self._due, (call.due_ms, place))

    def _load_calls(self) -> None:
        mine = {place.partition for place in self._app.consumer.assignment() if place.topic == LOG}
        for partition in mine:
            for key, call in self._table.prefixed(partition, ""):
                self._put(_Place(partition, *key.split("/", 1)), call)

    def _drop_all(self) -> None:
        """Forget the partitions: other workers may have them."""
        self._side.cancel()
        self._waiting.clear()
        self._due.clear()
        self._under_way.clear()
        self._ended.clear()
        self._index.clear()

    # ── calls that are due ───────────────────────────────────────────────────────────────────

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            while due := self._take_due():
                try:
                    await self._settle(due)
                except AWAY as error:
                    log.warning("calls wait for Valkey", why=str(error))
                    for place in due:
                        self._back(place, _BEHIND_SECONDS)
                    break

    def _take_due(self) -> dict[_Place, Call]:
        """Calls that are due now and are not on their way."""
        found: dict[_Place, Call] = {}
        now = now_ms()
        while self._due and self._due[0][0] <= now and len(found) < _LOOK_CALLS:
            due_ms, place = heapq.heappop(self._due)
            call = self._waiting.get(place)
            if call is None or call.due_ms != due_ms or place in found:
                continue
            if place in self._under_way:
                heapq.heappush(self._due, (now + 1000, place))
                self._waiting[place] = _due_at(call, now + 1000)
                continue
            found[place] = self._under_way[place] = self._waiting.pop(place)
        return found

    async def _settle(self, due: dict[_Place, Call]) -> None:
        asked = [Asked(place.room, call.n, place.user) for place, call in due.items()]
        states = await self._states.look(asked, now_ms())
        for (place, call), state in zip(due.items(), states, strict=True):
            if self._under_way.get(place) is not call:
                continue  # the partitions have moved meanwhile
            if state.behind:
                self._back(place, _BEHIND_SECONDS)
            elif rules.fate(call, self._seen(place, call, state), now_ms()) is Fate.WITHDRAWN:
                self._end(place, call, None)
            else:
                self._side.spawn(self._send(place, call, state))

    def _seen(self, place: _Place, call: Call, state: State) -> Seen:
        levels = self._directory.levels(place.user)
        quiet, now = levels.of_all.quiet, now_ms()
        minute = None if quiet is None else minute_of_day(quiet.zone, now)
        assert self._rules is not None
        sanction = self._rules.sanction(place.user)
        return Seen(
            member=state.member,
            absent=state.absent,
            muted=levels.is_muted(place.room, now, minute)
            or not levels.wants(place.room, mentioned=call.mentioned),
            read=state.read,
            deleted=state.message is not None and state.message.deleted,
            banned=refusal_of(sanction, now, speaks=False) is not None,
        )

    def _back(self, place: _Place, seconds: float) -> None:
        """Let a call wait a little longer, unless a later one has come."""
        call = self._under_way.pop(place, None)
        if call is not None and place not in self._waiting:
            self._put(place, _due_at(call, now_ms() + round(seconds * 1000)))

    async def _send(self, place: _Place, call: Call, state: State) -> None:
        shown = notification(place.room, call, state, text=self._settings.push_text)
        wanted = [
            one
            for one in self._directory.subscriptions(place.user).values()
            if self._targets.reaches(one) and (not call.left or one.id in call.left)
        ]
        devices = [one for one in wanted if one.device]
        browsers = [one for one in wanted if not one.device]
        work = [self._to_browser(one, call, shown) for one in browsers]
        if devices:
            work.append(self._to_gateway(place.user, devices, call, shown))
        left: list[str] = []
        wait = 0.0
        outcomes = await asyncio.gather(*work)
        for names, outcome in outcomes:
            if outcome.why and not outcome.gone:
                log.warning("a push was not taken", room=place.room, why=outcome.why)
            if outcome.why and not outcome.refused and not outcome.gone:
                left += names
                wait = max(wait, outcome.wait)
        wait_ms = round(wait * 1000 * random.uniform(1.0, 1.2))
        again = rules.failed(call, tuple(left), now_ms(), wait_ms)
        for names, outcome in outcomes:
            if outcome.why and (again is None or outcome.gone or outcome.refused):
                await self._report(place, call, names, outcome)
        self._end(place, call, again)

    async def _report(self, place: _Place, call: Call, names: list[str], outcome: Outcome) -> None:
        for name in names:
            failed = PushFailed(
                user=place.user,
                push=name,
                room=place.room,
                n=call.n,
                tries=call.tries + 1,
                at_ms=now_ms(),
                why=outcome.why,
                gone=outcome.gone,
            )
            await report(self._producer, self._settings.partitions, failed)

    async def _to_browser(
        self, one: PushSubscription, call: Call, shown: Notification
    ) -> tuple[list[str], Outcome]:
        outcome = await self._targets.to_browser(one, call, shown)
        if outcome.gone:
            await self._remove(one, outcome.why)
        return [one.id], outcome

    async def _to_gateway(
        self, user: str, devices: list[PushSubscription], call: Call, shown: Notification
    ) -> tuple[list[str], Outcome]:
        names = [one.device for one in devices]
        outcome, gone = await self._targets.to_gateway(user, names, call, shown)
        for one in devices:
            if one.device in gone:
                await self._remove(one, "the gateway says that it is gone")
        return [one.id for one in devices], outcome

    async def _remove(self, one: PushSubscription, why: str) -> None:
        """Remove a subscription that is gone, unless it was made anew meanwhile."""
        if self._directory.subscriptions(one.user).get(one.id) == one:
            log.info("a push subscription is gone", subscription=one.id, why=why)
            await remove(self._producer, self._settings.partitions, notify_key(one))

    # ── what became of calls ─────────────────────────────────────────────────────────────────

    def _end(self, place: _Place, call: Call, again: Call | None) -> None:
        """Note that a call came to an end, or is to be tried again."""
        if self._under_way.get(place) is call:
            del self._under_way[place]
            self._ended.append((place, call, again))
            self._side.wake_soon()

    def _store(self) -> None:
        ended, self._ended = self._ended, []
        for place, call, again in ended:
            if place in self._waiting:
                continue  # a later message has taken its place in the table
            if again is not None:
                self._write(place, again)
            else:
                self._table.write(place.partition, place.key, None, call.end_version)


def _due_at(call: Call, due_ms: int) -> Call:
    return replace(call, due_ms=due_ms)
