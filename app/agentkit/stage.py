"""The stage of an agent in a worker: batches of events to its handlers, and what follows to Kafka.

It runs on the loop of Parley's own agents (app/stream/batch_loop.py): commands are in Kafka first,
then the table's changes are in its changelog, and only then the offsets are committed. An event
that comes again after a crash is known by the progress of its room, which is in the same changelog
as the values; its commands have the same client ids, and a room takes each once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any, Final

import structlog
from faust.types import TP

from app.agentkit.calls import OutsideCalls
from app.agentkit.declaration import Agent
from app.agentkit.effects import PROGRESS, Scope, decoded_number
from app.agentkit.handler_thread import HandlerThread
from app.agentkit.handling import Done, Handling, Item, Turn
from app.agentkit.in_hand import InHand
from app.agentkit.kinds import DECODERS
from app.agentkit.occasion import Occasion, occasion_of
from app.agentkit.rates import RoomRates
from app.agentkit.timers import TIMER_KEYS
from app.domain.agents.causes import PREFIX
from app.errors import Malformed
from app.events import POS, AnyCommand, encode, position_of
from app.kafka.record import Record
from app.runtime.clock import now_ms
from app.settings import Settings
from app.stream.batch import Batch
from app.stream.batch_loop import batches
from app.stream.table import Table
from app.topics import LOG, RAW, VERDICTS, partition_of, wrong_partition

log = structlog.get_logger()

#: Milliseconds by which a timer comes later than it is due: an event of before may be on its way.
_GRACE_MS: Final = 300

#: Seconds after which a look is taken again whether timers may come: the log is not at its end.
_LOOK_SECONDS: Final = 0.5


class TableEntries:
    """The agent's table, by scope: a scope's partition is that of its key."""

    def __init__(self, table: Table[bytes], partitions: int) -> None:
        self._table = table
        self.partition_of = lru_cache(100_000)(partial(_partition_of, partitions))

    def get(self, scope: Scope, key: str) -> bytes | None:
        """The value of a key."""
        return self._table.read(self.partition_of(scope.key), key)

    def prefixed(self, scope: Scope, prefix: str) -> Iterator[tuple[str, bytes]]:
        """The keys that begin so, in order, with their values."""
        return self._table.prefixed(self.partition_of(scope.key), prefix)


class Stage:
    """Runs an agent on the stream of its topics; `pause` is called with the reason to stop."""

    def __init__(
        self,
        agent: Agent[Any],
        app: Any,
        table: Table[bytes],
        pause: Callable[[str], None],
    ) -> None:
        settings: Settings = app.context.settings
        self._agent = agent
        self._app = app
        self._table = table
        self._pause = pause
        self._partitions = settings.partitions
        self._shows = settings.agents_show
        self._entries = TableEntries(table, settings.partitions)
        self._in_hand = InHand(app.conf.datadir / "in_hand.json")
        self._thread = HandlerThread(app.conf.id)
        self._handling = Handling(
            agent,
            self._entries,
            RoomRates(agent.rate),
            OutsideCalls(agent.name),
            self._wake_soon,
            self._entries.partition_of,
        )
        self._own = f'"{PREFIX}{agent.name}:'.encode()
        self._loop = asyncio.get_running_loop()
        self._main = TP("", 0)
        self._generation = -1
        self._mine: set[int] = set()
        self._holds: dict[tuple[str, int, int], Callable[[], None]] = {}
        self._settled = 0
        self._failures = 0
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, stream: Any) -> None:
        """Handle the stream's records until the agent is stopped."""
        topic = stream.channel.topics[0]
        self._main = TP(topic, 0)
        try:
            async for batch in batches(stream, (self._table,), at_assignment=True):
                await self._turn(batch)
        finally:
            self._thread.stop()

    async def _turn(self, batch: Batch) -> None:
        if batch.generation != self._generation:
            await self._begin(batch.generation)
        if new := batch.partitions - self._mine:
            self._mine |= new
            timers = [one for part in new for one in self._table.prefixed(part, TIMER_KEYS)]
            await self._thread.run(self._handling.load(timers))
            log.info("agent is at work", agent=self._agent.name, partitions=sorted(self._mine))
        items = list(self._items(batch))
        ready = frozenset(part for part in self._mine if self._caught_up(part))
        until = now_ms() - _GRACE_MS if ready else None
        items = self._without_fatal(batch, items)
        turn = await self._handle(items, until, ready)
        for record in turn.held:
            self._holds[record[:3]] = batch.hold(record)
        for done in turn.done:
            self._settle(batch, done)
        self._wake_at(turn, len(ready) < len(self._mine))

    def _without_fatal(self, batch: Batch, items: list[Item]) -> list[Item]:
        """The items without the one that the process before this ended with."""
        fatal = self._in_hand.fatal
        for item in items if fatal else ():
            if item.record is not None and _place(item.record) == fatal:
                batch.dead_letter(item.record, "the agent's process ended while it handled this")
                self._in_hand.end()
                return [one for one in items if one is not item]
        return items

    async def _handle(self, items: list[Item], until: int | None, ready: frozenset[int]) -> Turn:
        """A turn of the handlers; in a careful process, a turn for each item."""
        if not self._in_hand.careful:
            self._in_hand.begin()
            turn = await self._thread.run(self._handling.turn(items, self._settled, until, ready))
            self._in_hand.end()
            return turn
        turns: list[Turn] = []
        for item in items:
            self._in_hand.begin(_place(item.record) if item.record is not None else "")
            one = self._handling.turn([item], self._settled, None, ready)
            turns.append(await self._thread.run(one))
        self._in_hand.begin()
        turns.append(await self._thread.run(self._handling.turn([], self._settled, until, ready)))
        self._in_hand.end()
        done = [done for turn in turns for done in turn.done]
        held = [record for turn in turns for record in turn.held]
        return Turn(done, held, turns[-1].next_due_ms)

    async def _begin(self, generation: int) -> None:
        """Forget what was under way: the partitions may be others, and their records come again."""
        self._generation = generation
        self._mine.clear()
        self._holds.clear()
        await self._thread.run(self._handling.begin())

    # ── records ──────────────────────────────────────────────────────────────────────────────

    def _items(self, batch: Batch) -> Iterator[Item]:
        for record in batch.records:
            try:
                occasion = self._occasion(batch, record)
            except Malformed as error:
                batch.dead_letter(record, str(error))
                continue
            if occasion is not None:
                yield Item(record, occasion)

    def _occasion(self, batch: Batch, record: Record) -> Occasion | None:
        topic = record.topic
        if topic == VERDICTS and self._own not in record.value:
            return None
        if topic in DECODERS:
            event = DECODERS[topic](record.value)
            epoch = _epoch(record) if topic == LOG else batch.origin(record)
            occasion = occasion_of(topic, event, epoch, record.offset, now_ms())
        else:
            topic, event = _sent_again(record.value)
            occasion = occasion_of(topic, event, 0, record.offset, now_ms(), again=True)
            version = max(occasion.version, self._progress(occasion.scope))
            occasion = occasion._replace(version=version)
        if occasion.kind == "command.refused":
            refused = occasion.event
            log.warning(
                "a command of the agent's was refused",
                agent=self._agent.name,
                room=refused.room,
                code=refused.code,
                reason=refused.reason,
            )
        if wrong := wrong_partition(occasion.scope.key, record.partition, self._partitions):
            raise Malformed(wrong)
        return occasion if occasion.kind else None

    def _progress(self, scope: Scope) -> int:
        raw = self._entries.get(scope, scope.table_key(PROGRESS))
        return 0 if raw is None else decoded_number(raw)

    # ── effects ──────────────────────────────────────────────────────────────────────────────

    def _settle(self, batch: Batch, done: Done) -> None:
        occasion, effects = done.outcome.occasion, done.outcome.effects
        if done.outcome.failure:
            self._fail(batch, done)
        elif done.outcome.effects:
            self._failures = 0
        for command in effects.commands:
            batch.send_keyed(RAW, command.room.encode(), encode(command))
        if self._shows:
            self._show(done)
        partition = self._entries.partition_of(occasion.scope.key)
        for key, raw in effects.writes.items():
            self._table.write(partition, key, raw, occasion.version)
        if done.held and done.record is not None:
            hold = self._holds.pop(done.record[:3], None)
            if hold is not None:
                batch.release(hold)
        self._settled = done.ticket

    def _show(self, done: Done) -> None:
        occasion, effects = done.outcome.occasion, done.outcome.effects
        log.info(
            occasion.kind,
            room=occasion.room,
            by=getattr(occasion.event, "by", ""),
            text=getattr(occasion.event, "text", ""),
            does=[_shown(command) for command in effects.commands],
            failure=done.outcome.failure,
        )

    def _fail(self, batch: Batch, done: Done) -> None:
        self._failures += 1
        failure = done.outcome.failure
        if done.record is not None:
            batch.dead_letter(done.record, failure)
        else:
            log.error("a timer's handler failed", agent=self._agent.name, why=failure)
        if self._failures == self._agent.failures:
            self._pause(f"{self._failures} events in a row failed, the last: {failure}")

    # ── turns without records ────────────────────────────────────────────────────────────────

    def _caught_up(self, partition: int) -> bool:
        return bool(self._app.consumer.caught_up(TP(self._main.topic, partition)))

    def _wake_at(self, turn: Turn, lagging: bool) -> None:
        """Have a turn when the next timer is due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if turn.next_due_ms is None or not self._mine:
            return
        seconds = (turn.next_due_ms + _GRACE_MS - now_ms()) / 1000 + 0.01
        seconds = max(seconds, _LOOK_SECONDS if lagging else 0.0)
        self._timer = self._loop.call_later(min(seconds, 3600.0), self._wake, min(self._mine))

    def _wake_soon(self, partition: int) -> None:
        """Called in the handlers' thread."""
        self._loop.call_soon_threadsafe(self._wake, partition)

    def _wake(self, partition: int) -> None:
        self._app.consumer.wake(TP(self._main.topic, partition))


def _shown(command: AnyCommand) -> str:
    what = getattr(command, "text", "") or getattr(command, "emoji", "")
    return f"{command.__struct_config__.tag} {what}".strip()


def _partition_of(partitions: int, key: str) -> int:
    return partition_of(key, partitions)


def _place(record: Record) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


def _epoch(record: Record) -> int:
    for name, value in record.headers:
        if name == POS:
            return position_of(value, record.offset).epoch if b"/" in value else 0
    return 0


def _sent_again(value: bytes) -> tuple[str, Any]:
    """The topic and event of a record that `parley dead` sends again, which name no topic."""
    reasons: list[str] = []
    for topic, decoder in DECODERS.items():
        try:
            return topic, decoder(value)
        except Malformed as error:
            reasons.append(str(error))
    raise Malformed(reasons[0])
