"""Cutting a history store where the log has lost its end, by what the log has now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from app.deployment.followed import FollowedDeployment
from app.deployment.log_reader import LogReader
from app.deployment.topic import read_deployment
from app.domain.deployment import Deployment
from app.domain.erasure import Erased
from app.domain.log_order import RoomOrder
from app.errors import Malformed, Unreachable
from app.events import POS, MessageCreated, decode_log, position_of
from app.history.entry import Entry
from app.history.log_cut import RoomCut, RoomEnd
from app.history.store import History
from app.kafka.log_positions import header_of, offset_behind
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import LOG, partition_of, wrong_partition

log = structlog.get_logger()

#: Entries that are stored at once, and rooms that are looked at.
_AT_ONCE = 500

#: Reads every erasure, as of the deployment's epochs.
ReadErased = Callable[[PartitionReader], Awaitable[Erased]]


class EpochCuts:
    """Cuts the store at each epoch that the log begins, before later events are stored."""

    def __init__(self, settings: Settings, history: History, erased: ReadErased) -> None:
        self._settings = settings
        self._history = history
        self._erased = erased
        self._followed = FollowedDeployment(settings, self._note)
        self._lock = asyncio.Lock()
        #: By partition: the epoch that the store is known to be cut for.
        self._cut: dict[int, int] = {}
        self._begun = False

    async def start(self) -> None:
        """Begin to follow the epochs."""
        await self._followed.start()

    async def stop(self) -> None:
        """Stop following."""
        await self._followed.stop()

    def _note(self) -> None:
        self._begun = True

    async def settle(self, needed: Mapping[int, int]) -> None:
        """Return when the store is cut for these epochs of partitions, or for later ones.

        Raises `Unreachable`, also where Kafka is away, and `Unusable`; to be repeated then.
        """
        if self.is_settled(needed):
            return
        async with self._lock:
            if self.is_settled(needed):
                return
            self._begun = False
            try:
                async with LogReader(self._settings) as reader:
                    deployment = await read_deployment(reader)
                    # Those that were settled before may have begun another one.
                    for partition in sorted(self._cut.keys() | needed):
                        if deployment.epoch(partition) > self._cut.get(partition, 0):
                            erased = await self._erased(reader)
                            await cut(reader, self._history, partition, deployment, erased)
                        # An epoch that is in the log and not in the deployment stays unknown.
                        known = deployment.epoch(partition), needed.get(partition, 0)
                        self._cut[partition] = max(known)
            except (KafkaError, OSError) as error:
                self._begun = True
                raise Unreachable(f"Kafka: {error!r}") from error
            except BaseException:
                self._begun = True
                raise

    def is_settled(self, needed: Mapping[int, int]) -> bool:
        """Whether the store is known to be cut for these epochs, and no other one has begun."""
        return not self._begun and all(
            self._cut.get(partition, -1) >= epoch for partition, epoch in needed.items()
        )


async def cut(
    reader: PartitionReader,
    history: History,
    partition: int,
    deployment: Deployment,
    erased: Erased,
) -> None:
    """Cut a partition of the store for the epochs that it has begun, and store what came after.

    May be interrupted and repeated. Events that an archive stores meanwhile are not lost.
    """
    begun = [(one.epoch, one.start) for one in deployment.epochs if one.partition == partition]
    ends = {user: extent.end(partition) for user, extent in erased.items() if extent.ends}
    start = await history.announce(partition, begun, ends)
    if start is None:
        return
    count = 0
    if rooms := await rooms_of(history, partition, reader.partitions):
        end = await offset_behind(reader, partition, start - 1)
        ends_of = await room_ends(reader, partition, rooms, end)
        count = await remove_beyond(reader, history, partition, ends_of, due=True)
        await store_from(reader, history, partition, end)
    await history.note_cut(partition, deployment.epoch(partition))
    log.warning("history is cut at an epoch", partition=partition, start=start, rooms=count)


async def remove_beyond(
    reader: PartitionReader,
    history: History,
    partition: int,
    ends: Mapping[str, RoomEnd],
    *,
    due: bool = False,
) -> int:
    """Remove what the store has of a partition's rooms beyond their ends; from how many rooms.

    With `due`, only while the partition is to be cut for an epoch.
    """
    count = 0
    names = sorted(ends)
    for first in range(0, len(names), _AT_ONCE):
        chunk = names[first : first + _AT_ONCE]
        rooms = await history.beyond({room: ends[room] for room in chunk})
        count += len(rooms)
        while rooms:
            wanted = {room: await history.changed(room, ends[room]) for room in rooms}
            again = await _about(reader, partition, wanted, ends)
            cuts = [RoomCut(room, ends[room], wanted[room], again[room]) for room in rooms]
            place = partition if due else None
            rooms = [one.room for one in cuts if not await history.cut(one, place)]
    return count


async def rooms_of(history: History, partition: int, partitions: int) -> list[str]:
    """The rooms of the store that are on a partition."""
    return [room for room in await history.rooms() if partition_of(room, partitions) == partition]


async def room_ends(
    reader: PartitionReader, partition: int, rooms: Collection[str], end: int
) -> dict[str, RoomEnd]:
    """Where each of the rooms stands in the log before offset `end`.

    A log that lacks its beginning does not know whether there was another room.
    """
    whole = await reader.begin(LOG, partition) == 0
    found = dict.fromkeys(rooms, RoomEnd()) if whole else {}
    wanted = set(rooms)
    async for entry in entries(reader, partition, 0, end):
        if entry.room in wanted:
            found[entry.room] = behind(found.get(entry.room, RoomEnd()), entry)
    return found


def behind(end: RoomEnd, entry: Entry) -> RoomEnd:
    """The end of a room after one more event."""
    seq = entry.seq if isinstance(entry.event, MessageCreated) else None
    return RoomEnd(max(entry.n, end.n), max(seq or 0, end.seq))


async def _about(
    reader: PartitionReader,
    partition: int,
    wanted: Mapping[str, Collection[int]],
    ends: Mapping[str, RoomEnd],
) -> dict[str, list[Entry]]:
    """The events of the log about the wanted messages, up to the ends of their rooms."""
    found: dict[str, list[Entry]] = {room: [] for room in wanted}
    if any(wanted.values()):
        async for entry in entries(reader, partition):
            of_room = wanted.get(entry.room, ())
            if entry.seq in of_room and entry.n <= ends[entry.room].n:
                found[entry.room].append(entry)
    return found


async def store_from(
    reader: PartitionReader,
    history: History,
    partition: int,
    start: int = 0,
    stored: Callable[[int], None] = lambda _: None,
) -> None:
    """Store the partition's events from offset `start` on.

    Twice as far as it comes: where messages were removed, an archive may have stored an edit of one
    before the message itself was back.
    """
    for _ in range(2):
        end = await reader.end(LOG, partition)
        chunk: list[Entry] = []
        async for entry in entries(reader, partition, start, end):
            chunk.append(entry)
            if len(chunk) == _AT_ONCE:
                await history.append(chunk)
                stored(len(chunk))
                chunk.clear()
        await history.append(chunk)
        stored(len(chunk))
        start = end


async def entries(
    reader: PartitionReader, partition: int, start: int = 0, end: int | None = None
) -> AsyncIterator[Entry]:
    """The partition's events that are each the next of their room, with their places."""
    order: RoomOrder | None = None
    record: Any
    async for record in reader.read(LOG, partition, start, end):
        if record.offset == 0:  # Otherwise the rooms' numbers at the start are unknown.
            order = RoomOrder()
        try:
            event = decode_log(record.value)
            position = position_of(header_of(record, POS), record.offset)
            entry = Entry.of(event, record.value).at(partition, position)
        except Malformed:
            continue
        if wrong_partition(entry.room, partition, reader.partitions):
            continue
        if order is None or not order.flaw(entry.room, entry.n):
            yield entry
