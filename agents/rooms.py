"""rooms: `chat.moderated` → number → `chat.log`, and what is refused or repeated → `chat.verdicts`.

The room's state is its log, applied: `app/rules/room.py` decides and applies, this file reads
and writes.
"""

from __future__ import annotations

from typing import Any

from app.catch_up import CatchUp
from app.events import (
    EDGE,
    SRC,
    AnyCommand,
    AnyLogEvent,
    Moderated,
    Refusal,
    Verdict,
    decode_moderated,
    encode,
)
from app.groups import group, raw_topic
from app.loop import Batch, Record, batches
from app.rules.room import Progress, Repeat, Sender, State, apply, decide, subject_of
from app.settings import Settings
from app.topics import LOG, MODERATED, VERDICTS
from tables.members import members
from tables.progress import progress
from tables.rooms import rooms as heads
from tables.senders import senders

pipeline = group("pipeline", strict=True)
settings = Settings.read()


@pipeline.agent(raw_topic(pipeline, MODERATED))
async def rooms(stream: Any) -> None:
    """Numbers every event of a room, once, in one order."""
    catch_up = CatchUp(settings, _position, _apply)
    last: Batch | None = None
    async for batch in batches(stream, (heads, members, senders, progress)):
        _note_progress(batch, last)
        await catch_up.follow(batch)
        for record, moderated in batch.decode(decode_moderated):
            try:
                _settle(batch, record, moderated)
            except Exception as error:  # noqa: BLE001 - whatever it is, one event stops nobody
                batch.bury(record, repr(error))
        last = batch


def _settle(batch: Batch, record: Record, moderated: Moderated) -> None:
    command = moderated.command
    state = _state(record.partition, command)
    outcome = decide(state, moderated)
    if outcome is None:
        return
    if isinstance(outcome, Refusal | Repeat):
        batch.send(VERDICTS, record, encode(_verdict(command, outcome)))
        return
    after = apply(state, outcome, moderated.src)
    headers = ((SRC, b"%d" % moderated.src), (EDGE, command.edge.encode()))
    batch.send(LOG, record, encode(outcome), headers)
    _remember(record.partition, outcome, state, after)


def _verdict(command: AnyCommand, outcome: Refusal | Repeat) -> Verdict:
    answer = Verdict(
        id=command.id,
        room=command.room,
        by=command.by,
        client_id=command.client_id,
        edge=command.edge,
    )
    if isinstance(outcome, Refusal):
        answer.refusal = outcome
    else:
        answer.n, answer.seq, answer.event_id = outcome.n, outcome.seq, outcome.event_id
        answer.repeated = True
    return answer


def _state(partition: int, event: AnyCommand | AnyLogEvent) -> State:
    room, subject = event.room, subject_of(event)
    actor_key = f"{room}/{event.by}"
    return State(
        room=heads.read(partition, room),
        actor=members.read(partition, actor_key),
        sender=senders.read(partition, actor_key) or Sender(),
        subject=members.read(partition, f"{room}/{subject}") if subject else None,
    )


def _remember(partition: int, event: AnyLogEvent, before: State, after: State) -> None:
    actor_key = f"{event.room}/{event.by}"
    heads.write(partition, event.room, after.room, event.n)
    senders.write(partition, actor_key, after.sender, event.n)
    if after.actor != before.actor:
        members.write(partition, actor_key, after.actor, event.n)
    if after.subject != before.subject:
        members.write(partition, f"{event.room}/{subject_of(event)}", after.subject, event.n)


def _apply(partition: int, event: AnyLogEvent, src: int) -> None:
    before = _state(partition, event)
    _remember(partition, event, before, apply(before, event, src))


def _position(partition: int) -> int | None:
    known = progress.read(partition, "log")
    return None if known is None else known.offset


def _note_progress(batch: Batch, last: Batch | None) -> None:
    """Note where the tables stand; only now, because only now is the last batch in Kafka."""
    if last is None or last.generation != batch.generation:
        return
    for (topic, partition), offset in last.written.items():
        if topic == LOG:
            progress.write(partition, "log", Progress(offset), offset)
