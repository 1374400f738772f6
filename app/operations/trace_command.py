"""`parley trace`: the way of one message."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import click
import msgspec

from app.errors import ParleyError
from app.history.store import History
from app.kafka.partition_reader import PartitionReader
from app.operations.message_trace import Trace, time_of, trace_attempts, trace_message
from app.runtime.retry import AWAY
from app.settings import Settings


class _Stored(msgspec.Struct):
    seq: int
    at_ms: int
    deleted: bool = False
    edited_ms: int = 0


@click.command()
@click.argument("room")
@click.argument("name", metavar="SEQ|ID")
@click.option("--json", is_flag=True, help="The same, as JSON.")
def command(room: str, name: str, json: bool) -> None:
    """The way of a message of ROOM: by its SEQ, or by an ID or client id, also one refused.

    Each line is a record: its place, the milliseconds since the edge took the request, and what it
    says. Kafka keeps commands for a week and answers for a day; what is older has fewer lines.
    """
    found = asyncio.run(_look(Settings.read(), room, name))
    if json:
        plain = [one._asdict() | {"hops": [hop._asdict() for hop in one.hops]} for one in found]
        click.echo(msgspec.json.format(msgspec.json.encode(plain)))
        return
    for one in found:
        for line in lines(one):
            click.echo(line)


async def _look(settings: Settings, room: str, name: str) -> list[Trace]:
    async with PartitionReader(settings) as reader:
        if not (name.isascii() and name.isdigit()):
            if not (found := await trace_attempts(reader, room, name)):
                raise ParleyError(f"no command to {room} has the id {name} in the last week")
            return found
        seq, known = int(name), await _stored(settings, room, int(name))
        trace = await trace_message(reader, room, seq, 0 if known is None else known.at_ms)
    if trace is None:
        raise ParleyError(f"the log has no message {seq} in {room}")
    return [trace]


async def _stored(settings: Settings, room: str, seq: int) -> _Stored | None:
    """The message as the history store has it, which tells the time to begin with."""
    history = History(settings.history_url)
    try:
        page = await history.page(room, after_seq=seq - 1, before_seq=seq + 1, limit=1)
    except AWAY:
        return None  # all of the partition is read instead
    finally:
        await history.close()
    return msgspec.json.decode(page[0], type=_Stored) if page else None


def lines(trace: Trace) -> list[str]:
    """A trace for people."""
    began = time_of(trace.id) or (trace.hops[0].at_ms if trace.hops else 0)
    edge = f" at the edge {trace.edge}" if trace.edge else ""
    head = f"{_time(began)}  {trace.id} by {trace.by}, client id {trace.client_id}{edge}"
    return [
        head,
        *(
            f"{hop.at_ms - began:+7} ms  {hop.topic}/{hop.partition}/{hop.offset}  {hop.what}"
            for hop in trace.hops
        ),
    ]


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " UTC"
