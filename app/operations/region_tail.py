"""What a region had accepted, and another one has taken over without: its tail.

Such an event is in this region's `chat.log`, at or beyond the start of an epoch that another region
began, and is no part of the log. Its command is in `chat.raw`, and goes to the present home under
its client id: if that one knows it, nothing happens. A message gets another number there, and what
is about it follows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from app.deployment.log_reader import LogReader, is_part
from app.deployment.topic import begin, read_deployment
from app.domain.deployment import Deployment
from app.errors import Malformed
from app.events import (
    POS,
    SRC,
    TO,
    AnyCommand,
    MessageCreated,
    Source,
    TailDropped,
    decode_command,
    decode_log,
    decode_src,
    decode_verdict,
    encode,
    position_of,
)
from app.kafka.log_positions import header_of, offset_behind
from app.kafka.partition_reader import PartitionReader
from app.kafka.producer import new_producer
from app.runtime.clock import now_ms
from app.settings import Settings
from app.topics import AWAY, LOG, RAW, VERDICTS

#: Seconds for the present home to decide, and between two looks.
_WITHIN: Final = 30.0
_PAUSE: Final = 0.2

#: Milliseconds by which the clocks of processes may differ.
_CLOCKS_MS: Final = 60_000

#: The fields of commands that have the number of a message.
_NUMBERS: Final = ("seq", "reply_to", "thread")

#: What a command is known by: its room, its author, their client id.
Name = tuple[str, str, str]


class TailEvent(NamedTuple):
    """An event that is no part of the log any more, and has no other one in its place.

    `seq` is the number that a message had, or that of the message that the event is about.
    """

    partition: int
    epoch: int
    pos: int
    at_ms: int
    name: Name
    kind: str
    text: str
    source: Source
    seq: int

    def line(self) -> str:
        """The event on one line."""
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(self.at_ms / 1000))
        room, by, client_id = self.name
        seq = f" (seq {self.seq})" if self.seq else ""
        text = f"  {self.text[:60]!r}" if self.text else ""
        return f"{at}  {room}  {by}  {self.kind}{seq}  client id {client_id}{text}"


class Tail(NamedTuple):
    """The events of a region's tail that are not in the log, and were not given up.

    `renumbered` has, by room and number in the tail, every message of the tail, also those that are
    in the log again: its name, and its number there; 0: it is not there.
    """

    events: list[TailEvent]
    renumbered: dict[tuple[str, int], tuple[Name, int]]


class Offered(NamedTuple):
    """How many commands were offered, how many of them are in the log, and what was refused.

    `missing` have no command any more.
    """

    offered: int
    taken: int
    refused: list[str]
    missing: int


async def open_tail(settings: Settings) -> Tail:
    """The tail of this region."""
    tail = Tail([], {})
    async with LogReader(settings) as live, PartitionReader(settings) as every:
        deployment = await read_deployment(live)
        for partition in range(settings.partitions):
            start = _first_cut(settings, deployment, partition)
            if start is not None:
                await _of_partition(tail, live, every, deployment, partition, start)
    return tail


def _first_cut(settings: Settings, deployment: Deployment, partition: int) -> int | None:
    """The lowest start of an epoch by which this region lost the partition, and not dropped."""
    here = settings.region
    given_up = {(one.partition, one.epoch) for one in deployment.dropped if one.region == here}
    starts = [
        one.start
        for one in deployment.epochs
        if (one.partition, one.lost) == (partition, here) and (partition, one.epoch) not in given_up
    ]
    return min(starts, default=None)


async def _of_partition(
    tail: Tail,
    live: LogReader,
    every: PartitionReader,
    deployment: Deployment,
    partition: int,
    start: int,
) -> None:
    offset = await offset_behind(live, partition, start - 2) if start > 1 else 0
    lost: dict[Name, TailEvent] = {}
    there: dict[Name, int] = {}
    messages: dict[tuple[str, int], Name] = {}
    async for record in every.read(LOG, partition, offset):
        try:
            event, position = decode_log(record.value), position_of(header_of(record, POS), -1)
            source = decode_src(header_of(record, SRC))
        except Malformed:
            continue
        name, seq = (event.room, event.by, event.client_id), getattr(event, "seq", 0)
        if is_part(record, deployment):
            there[name] = seq
            continue
        if isinstance(event, MessageCreated):
            messages[event.room, seq] = name
        kind, text = str(type(event).__struct_config__.tag), str(getattr(event, "text", ""))
        one = TailEvent(partition, *position, event.at_ms, name, kind, text, source, seq)
        lost.setdefault(name, one)
    tail.events.extend(one for name, one in lost.items() if name not in there)
    for place, name in messages.items():
        tail.renumbered[place] = name, there.get(name, 0)


async def drop(settings: Settings) -> None:
    """Give the tail of every partition up."""
    async with PartitionReader(settings) as reader:
        deployment = await read_deployment(reader)
    here = settings.region
    given_up = [
        TailDropped(partition=one.partition, region=here, epoch=one.epoch, at_ms=now_ms())
        for one in deployment.epochs
        if one.lost == here
    ]
    await begin(settings, *given_up)


async def offer(settings: Settings, tail: Tail) -> Offered:
    """Offer events again to the present homes, in their order; returns when they are decided.

    A command about a message of the tail waits until that has its new number, and gets it.
    """
    since = now_ms() - _CLOCKS_MS
    async with PartitionReader(settings) as reader:
        deployment = await read_deployment(reader)
        found = [(one, await _command(reader, one)) for one in tail.events]
    left = [(one, record) for one, record in found if record is not None]
    offered, taken, refused = len(left), 0, list[str]()
    producer = new_producer(settings)
    await producer.start()
    try:
        while left:
            sent, left, gone = await _offer_some(settings, producer, deployment, tail, left)
            refused += [f"refused, its message is not in the log: {one.line()}" for one in gone]
            if sent:
                count, lines = await _decided(settings, sent, since)
                taken += count
                refused += lines
            tail = await open_tail(settings)
    finally:
        await producer.stop()
    return Offered(offered, taken, refused, len(found) - offered)


#: An event of the tail with the record of its command.
_Pair = tuple[TailEvent, Any]


async def _offer_some(
    settings: Settings,
    producer: Any,
    deployment: Deployment,
    tail: Tail,
    left: Sequence[_Pair],
) -> tuple[list[TailEvent], list[_Pair], list[TailEvent]]:
    """Send what can be sent now: of each room up to the first that has to wait for another one.

    Returns what was sent, what waits, and what is about a message that will not be there.
    """
    sent: list[TailEvent] = []
    waiting: list[_Pair] = []
    gone: list[TailEvent] = []
    pending, held = {one.name for one, _ in left}, set[str]()
    for one, record in left:
        command, room = decode_command(record.value), one.name[0]
        lacking = {name for name, now in _messages(command, tail).values() if not now}
        if room in held or lacking & pending:
            held.add(room)
            waiting.append((one, record))
        elif lacking:
            gone.append(one)
        else:
            home = deployment.home(one.partition, settings.region)
            headers = [pair for pair in record.headers if pair[0] != TO]
            target = RAW if home == settings.region else AWAY
            if target == AWAY:
                headers.append((TO, home.encode()))
            numbers = {field: now for field, (_, now) in _messages(command, tail).items()}
            value = record.value
            if numbers:
                value = encode(replace(command, **numbers, epoch=None))
            await producer.send_and_wait(
                target, value, key=record.key, partition=one.partition, headers=headers
            )
            sent.append(one)
    return sent, waiting, gone


def _messages(command: AnyCommand, tail: Tail) -> dict[str, tuple[Name, int]]:
    """By field of the command: the message of the tail that it names, and its present number."""
    named = {field: (command.room, getattr(command, field, 0)) for field in _NUMBERS}
    return {
        field: tail.renumbered[place] for field, place in named.items() if place in tail.renumbered
    }


async def _command(reader: PartitionReader, one: TailEvent) -> Any | None:
    """The command of an event; `None` where `chat.raw` has it no more."""
    record = await reader.first(RAW, one.partition, one.source.offset)
    if record is None or record.offset != one.source.offset:
        return None
    try:
        command = decode_command(record.value)
    except Malformed:
        return None
    return record if (command.room, command.by, command.client_id) == one.name else None


async def _decided(
    settings: Settings, offered: Sequence[TailEvent], since: int
) -> tuple[int, list[str]]:
    """How many are in the log now, and a line for each that was refused."""
    latest = time.monotonic() + _WITHIN
    while True:
        still = {one.name for one in (await open_tail(settings)).events}
        open_ones = [one for one in offered if one.name in still]
        refusals = await _refusals(settings, {one.partition for one in open_ones}, since)
        refused = [one for one in open_ones if one.name in refusals]
        if len(refused) == len(open_ones) or time.monotonic() > latest:
            lines = [f"refused, {refusals[one.name]}: {one.line()}" for one in refused]
            return len(offered) - len(open_ones), lines
        await asyncio.sleep(_PAUSE)


async def _refusals(settings: Settings, partitions: set[int], since: int) -> dict[Name, str]:
    found: dict[Name, str] = {}
    async with PartitionReader(settings) as reader:
        for partition in partitions:
            start = await reader.since(VERDICTS, partition, since)
            async for record in reader.read(VERDICTS, partition, start):
                try:
                    verdict = decode_verdict(record.value)
                except Malformed:
                    continue
                if verdict.refusal is not None:
                    name = (verdict.room, verdict.by, verdict.client_id)
                    found[name] = verdict.refusal.code
    return found
