"""rooms: `chat.moderated` → number → `chat.log`; refusals and repetitions → `chat.verdicts`.

Of rooms that are at home in another region: that region's log → `chat.log`.

app/domain/room.py decides, app/domain/evolve.py gives the state after an event; this file reads and
writes the tables.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from msgspec.structs import replace

from app import events
from app.deployment.followed import followed_deployment
from app.domain.evolve import evolve
from app.domain.mentions import Mentioned, has_sign, mentioned
from app.domain.messages import as_known
from app.domain.records import LOG_PROGRESS, Held, Reactions, Repeat, Sender, State
from app.domain.room import decide
from app.domain.versioned_value import version_of
from app.errors import Malformed, StoreFailed
from app.events import (
    EDGE,
    HOME,
    POS,
    RULING,
    SRC,
    TO,
    TRACEPARENT,
    AddMember,
    AnyCommand,
    AnyLogEvent,
    ApproveMessage,
    Moderated,
    NumberedCommand,
    Position,
    Refusal,
    Source,
    Verdict,
    decode_log,
    decode_moderated,
    decode_src,
    encode,
    encode_position,
    encode_src,
    position_of,
)
from app.kafka.log_positions import header_of
from app.kafka.record import Record
from app.stream.batch import Batch
from app.stream.batch_loop import batches
from app.stream.consumer_groups import group, raw_topic
from app.stream.groups import PIPELINE
from app.stream.home_partitions import HomePartitions
from app.stream.log_catch_up import LogCatchUp
from app.stream.offer_again import offer_again
from app.topics import (
    AWAY,
    LOG,
    MODERATED,
    MODERATION,
    RAW,
    VERDICTS,
    of_region,
    wrong_partition,
)
from tables.member_names import MemberNames
from tables.members import members
from tables.messages import messages
from tables.progress import progress
from tables.reactions import reactions
from tables.rooms import rooms as heads
from tables.sanctions import sanctions
from tables.senders import senders
from tables.sent import sent

pipeline = group(PIPELINE)
settings = pipeline.context.settings
verdicts = pipeline.context.metrics.verdicts
tracing = pipeline.context.tracing

#: The tables that follow the log, each with a position of its own.
FOLLOWING = (heads, members, senders, sent, messages, reactions, sanctions)
TABLES = (*FOLLOWING, progress)

member_names = MemberNames()

#: Outcomes without an event, as the metric names them.
_OUTCOMES = {Refusal: "refused", Repeat: "repeated", Held: "held"}


#: The logs of other regions, by topic.
REGIONS = {of_region(name, LOG): name for name in settings.other_regions}
#: The homes of the agent that runs.
_homes: list[HomePartitions] = []


@pipeline.agent(raw_topic(pipeline, MODERATED, *REGIONS))
async def rooms(stream: Any) -> None:
    """Number the events of each room: 1, 2, 3, without a gap.

    Events of rooms that are at home in another region come from its log, with their numbers.
    """
    log, homes = await _positions()
    # At assignment, because others read the tables: moderation, and `parley verify`.
    async for batch in batches(stream, TABLES, at_assignment=True):
        await log.follow(batch)
        for partition in batch.partitions:
            _drop_former_position(partition, log)
        if homes is not None:
            await homes.lost.look_up(batch.partitions)
            for wish in await homes.settle(batch):
                await offer_again(settings, batch, wish.partition, _has_outcome)
            batch.each(decode_log, partial(_follow, batch, log, homes), topics=REGIONS)
        batch.each(decode_moderated, partial(_settle, batch, log, homes), topics={MODERATED})
        for partition in batch.partitions:
            # Every event changes this table: it tells how much of the log there has been.
            log.note_in(heads, partition)


async def _positions() -> tuple[LogCatchUp, HomePartitions | None]:
    """The positions of the tables, and the homes in a deployment of several regions."""
    if not REGIONS:
        return LogCatchUp(settings, FOLLOWING, _position, _apply), None
    deployment = await followed_deployment(settings)
    log = LogCatchUp(settings, FOLLOWING, _position, _apply, lambda p: deployment.now.epoch(p))
    homes = HomePartitions(settings, deployment, log, partial(_take, log))
    _homes.append(homes)
    return log, homes


if REGIONS:

    @pipeline.timer(interval=0.1)  # type: ignore[untyped-decorator]
    async def watch_homes() -> None:
        """Have the agent take a batch of each partition whose home is to come or to go."""
        consumer: Any = pipeline.consumer
        for place in consumer.assignment() if _homes else ():
            if place.topic == MODERATED and _homes[-1].is_due(place.partition):
                consumer.wake(place)


def _settle(
    batch: Batch,
    log: LogCatchUp,
    homes: HomePartitions | None,
    record: Record,
    moderated: Moderated,
) -> None:
    command = moderated.command
    if wrong := wrong_partition(command.room, record.partition, settings.partitions):
        raise Malformed(wrong)
    if homes is not None and _handed_on(batch, homes, record, moderated):
        return
    if (span := tracing.of_record("rooms", record.headers)) is not None:
        batch.when_sent(span.end)
    state = _state(record.partition, command, homes)
    if (outcome := decide(state, moderated)) is None:
        return
    if isinstance(outcome, Held):
        batch.send(MODERATION, record, encode(_held(outcome)))
    if isinstance(outcome, Refusal | Repeat | Held):
        batch.send(VERDICTS, record, encode(_verdict(moderated, outcome)))
        verdicts.add(_OUTCOMES[type(outcome)])
        if span is not None:
            span.note(parley_room=command.room, parley_outcome=_OUTCOMES[type(outcome)])
        return
    partition, source = record.partition, moderated.source
    epoch = log.epochs[partition]
    # Before it is sent: an event that can't be applied becomes a dead letter, not a log record.
    if outcome.by == command.by:
        _write(partition, epoch, outcome, state, evolve(state, outcome, source, epoch))
    else:
        _apply(partition, epoch, outcome, source, epoch)
    log.ends[partition] += 1
    headers = [
        (POS, encode_position(Position(epoch, log.ends[partition]))),
        (SRC, encode_src(source)),
        (EDGE, command.edge.encode()),
    ]
    if moderated.ruling is not None and moderated.ruling.action == "mask":
        headers.append((RULING, encode(moderated.ruling)))
    if span is not None:
        span.note(parley_room=outcome.room, parley_outcome="event", parley_n=outcome.n)
        headers.append(span.header)
    batch.send(LOG, record, encode(outcome), tuple(headers))
    verdicts.add("event")


def _handed_on(batch: Batch, homes: HomePartitions, record: Record, moderated: Moderated) -> bool:
    """Whether a command was decided before its partition's home changed; it is handed on then.

    Not, where its event is this region's tail.
    """
    if homes.lost.has(record.partition, moderated.source):
        return True
    raw = encode(moderated.command)
    traced = tuple(one for one in record.headers if one[0] == TRACEPARENT)
    if to := homes.elsewhere(record.partition):
        batch.send(AWAY, record, raw, (*traced, (TO, to.encode())))
    elif moderated.origin < homes.origin(record.partition):
        batch.send(RAW, record, raw, traced)
    else:
        return False
    return True


def _has_outcome(partition: int, command: AnyCommand) -> bool:
    """Whether the log has an event of this command."""
    key = f"{command.room}/{command.by}/{command.client_id}"
    return sent.read(partition, key) is not None


def _follow(
    batch: Batch, log: LogCatchUp, homes: HomePartitions, record: Record, event: AnyLogEvent
) -> None:
    """Take an event of another region's log into this region's; mirrors bring some twice."""
    if wrong := wrong_partition(event.room, record.partition, settings.partitions):
        raise Malformed(wrong)
    if homes.is_next(record.partition, record):
        _take(log, batch, record, REGIONS[record.topic])


def _take(log: LogCatchUp, batch: Batch, record: Record, region: str) -> None:
    """Take the next event of another region's log; one that can't be applied is a dead letter.

    Those behind it go on in any case: the home has numbered them.
    """
    partition = record.partition
    position = position_of(header_of(record, POS), record.offset)
    try:
        event, source = decode_log(record.value), decode_src(header_of(record, SRC))
        _apply(partition, log.epochs[partition], event, source, position.epoch)
    except StoreFailed:
        raise
    except Exception as error:  # noqa: BLE001 - one poisoned event must not stop the rest
        batch.dead_letter(record, repr(error))
    else:
        kept = (one for one in record.headers if one[0] != HOME)
        batch.send(LOG, record, record.value, (*kept, (HOME, region.encode())))
    log.ends[partition] = position.pos


def _held(outcome: Held) -> events.Held:
    message = outcome.message
    return events.Held(
        id=message.id,
        by=message.by,
        at_ms=outcome.at_ms,
        room=message.room,
        message=message,
        ruling=outcome.ruling,
    )


def _verdict(moderated: Moderated, outcome: Refusal | Repeat | Held) -> Verdict:
    command = moderated.command
    answer = Verdict(
        id=command.id,
        room=command.room,
        by=command.by,
        client_id=command.client_id,
        edge=command.edge,
    )
    if isinstance(outcome, Refusal):
        answer.refusal = outcome
        # The ruling explains a refusal only if the refusal is its own.
        answer.ruling = moderated.ruling if outcome == moderated.refusal else None
    elif isinstance(outcome, Held):
        answer.held, answer.ruling = True, outcome.ruling
    else:
        answer.n, answer.seq, answer.event_id = outcome.n, outcome.seq, outcome.event_id
        answer.repeated = True
    return answer


def _state(partition: int, command: AnyCommand, homes: HomePartitions | None) -> State:
    """The state that the outcome of a command depends on."""
    room, seq = command.room, getattr(command, "seq", 0)
    state = _affected(partition, command, seq or getattr(command, "reply_to", 0), spare=True)
    thread = getattr(command, "thread", 0)
    state = replace(
        state,
        root=messages.read(partition, f"{room}/{thread}") if thread else None,
        mentioned=_mentioned(partition, room, getattr(command, "text", "")),
        alike=_alike(partition, command),
    )
    epoch = command.epoch if isinstance(command, NumberedCommand) else None
    if epoch is not None and homes is not None:
        epoch = homes.known_epoch(partition, epoch)
    return as_known(state, epoch)


def _mentioned(partition: int, room: str, text: str) -> Mentioned:
    return mentioned(text, member_names.of(partition, room)) if has_sign(text) else Mentioned()


def _alike(partition: int, command: AnyCommand) -> str:
    if not isinstance(command, AddMember):
        return ""
    return member_names.alike(partition, command.room, command.user)


def _affected(
    partition: int, event: AnyCommand | AnyLogEvent, seq: int, *, spare: bool = False
) -> State:
    """The state that an event changes, or that the event of a command would change.

    `spare` skips two tables in rooms without slow mode and without sanctions, which are most: a
    decision does not depend on them there.
    """
    room, by, user = event.room, event.by, getattr(event, "user", "")
    # An approved message is its author's: the author's client id keeps it from being there twice.
    sender = user if isinstance(event, ApproveMessage) else by
    head = heads.read(partition, room)
    state = State(
        room=head,
        actor=members.read(partition, f"{room}/{by}"),
        sent=sent.read(partition, f"{room}/{sender}/{event.client_id}"),
        subject=members.read(partition, f"{room}/{user}") if user else None,
        message=messages.read(partition, f"{room}/{seq}") if seq else None,
        own=(reactions.read(partition, f"{room}/{seq}/{by}") if seq else None) or Reactions(),
    )
    if spare and head is not None and not head.sanctioned and not head.settings.slow_mode:
        return state
    return replace(
        state,
        sender=senders.read(partition, f"{room}/{sender}") or Sender(),
        sanction=sanctions.read(partition, f"{room}/{by}"),
        subject_sanction=sanctions.read(partition, f"{room}/{user}") if user else None,
    )


def _write(partition: int, epoch: int, event: AnyLogEvent, before: State, after: State) -> None:
    room, by, user = event.room, event.by, getattr(event, "user", "")
    seq, version = getattr(event, "seq", 0), version_of(epoch, event.n)
    heads.write(partition, room, after.room, version)
    sent.write(partition, f"{room}/{by}/{event.client_id}", after.sent, version)
    if after.sender != before.sender:
        senders.write(partition, f"{room}/{by}", after.sender, version)
    if after.actor != before.actor:
        members.write(partition, f"{room}/{by}", after.actor, version)
        member_names.note(partition, room, by)
    if user and after.subject != before.subject:
        members.write(partition, f"{room}/{user}", after.subject, version)
        member_names.note(partition, room, user)
    if user and after.subject_sanction != before.subject_sanction:
        sanctions.write(partition, f"{room}/{user}", after.subject_sanction, version)
    if seq and after.message != before.message:
        messages.write(partition, f"{room}/{seq}", after.message, version)
    if seq and after.own != before.own:
        reactions.write(partition, f"{room}/{seq}/{by}", after.own, version)


def _apply(partition: int, epoch: int, event: AnyLogEvent, src: Source, of_event: int) -> None:
    """Write an event of the epoch `of_event` into tables that are of `epoch`."""
    before = _affected(partition, event, getattr(event, "seq", 0))
    _write(partition, epoch, event, before, evolve(before, event, src, of_event))


def _position(partition: int) -> Position | None:
    """The position of all tables as an earlier release noted it: an offset of the log."""
    known = progress.read(partition, LOG_PROGRESS)
    return None if known is None else Position(0, known.offset)


def _drop_former_position(partition: int, log: LogCatchUp) -> None:
    """Each table has its own now, and this one must not speak for a table that lost its own."""
    if progress.read(partition, LOG_PROGRESS) is not None:
        version = version_of(log.epochs[partition], log.ends[partition])
        progress.write(partition, LOG_PROGRESS, None, version)
