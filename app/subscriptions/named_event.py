"""An event of the log by its id: the place where a subscription may begin anew."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from app.deployment.log_reader import LogReader
from app.errors import Malformed
from app.events import Position
from app.settings import Settings
from app.subscriptions.log_search import offset_behind_position
from app.subscriptions.source_events import source_event
from app.topics import LOG

_FORM: Final = re.compile(r"evt_log-(\d{1,5})-(\d{1,18})-(\d{1,18})", re.ASCII)


class LogPlace(NamedTuple):
    """A partition of the log, and a position in it."""

    partition: int
    position: Position


def log_place(event: str) -> LogPlace:
    """The place that the id of an event of the log names; raises `Malformed`."""
    found = _FORM.fullmatch(event)
    if found is None:
        raise Malformed(
            f"{event[:80]!r} is no id of an event of rooms, such as evt_log-3-0-1204;"
            " give a time for others"
        )
    return LogPlace(int(found[1]), Position(int(found[2]), int(found[3])))


async def time_of_event(settings: Settings, event: str) -> int:
    """When an event of the log was, in milliseconds since 1970.

    Raises `Malformed` for an id of no event, and `KafkaError`.
    """
    partition, position = log_place(event)
    if partition < settings.partitions:
        async with LogReader(settings) as reader:
            before = Position(position.epoch, position.pos - 1)
            offset = await offset_behind_position(reader, partition, before)
            record = await reader.first(LOG, partition, offset)
        if record is not None and (found := source_event(record, 0)).position == position:
            return found.at_ms
    raise Malformed(f"there is no event {event}")
