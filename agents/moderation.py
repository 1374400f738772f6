"""moderation: `chat.raw` → verdict → `chat.moderated`, and what it was on `chat.moderation`.

The one stage that may look at a clock, at rules that change, or ask somebody outside: what it
decides is written down here, and everything after it only follows.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import structlog

from app.domain.moderation.decide import Decision, barred, decided, ruled
from app.domain.moderation.heading import heading
from app.domain.moderation.pace import Pace, after, before, counts
from app.domain.moderation.rule import Facts, Message
from app.domain.moderation.ruleset import Hook, RuleSet
from app.domain.moderation.verdict import judge, ruling
from app.domain.wellformed import flaw
from app.events import (
    AnyCommand,
    ChangeRoom,
    CreateRoom,
    EditMessage,
    Finding,
    Moderated,
    Refusal,
    Ruling,
    SendMessage,
    Written,
    decode_command,
    encode,
)
from app.kafka.record import Record
from app.moderation.active_rules import ActiveRules, active_rules
from app.moderation.webhook import WebhookClient, WebhookFailed
from app.runtime.clock import now_ms
from app.stream.batch import MAX_VALUE_BYTES, Batch
from app.stream.batch_loop import batches
from app.stream.consumer_groups import group, raw_topic
from app.stream.groups import PIPELINE
from app.stream.room_queues import RoomQueues
from app.topics import MODERATED, MODERATION, PACE, RAW, wrong_partition
from tables.members import members
from tables.paces import paces

pipeline = group(PIPELINE)
settings = pipeline.context.settings
log = structlog.get_logger()


@pipeline.agent(raw_topic(pipeline, RAW))
async def moderation(stream: Any) -> None:
    """Gives every command its verdict, those of a room in the order in which they came."""
    stage = _Stage(await active_rules(settings))
    async for batch in batches(stream, (paces,)):
        # Not after it: what waits may be sent meanwhile, and overtake what the batch has sent.
        await stage.waiting.wait_for_room()
        at_ms = now_ms()
        # Half of what others take: they get it with its verdict.
        batch.each(decode_command, partial(stage.moderate, batch, at_ms), MAX_VALUE_BYTES // 2)


class _Stage:
    """What verdicts go by."""

    def __init__(self, now: ActiveRules) -> None:
        self.waiting = RoomQueues()
        self._now = now
        self._hooks = WebhookClient(settings.secret)

    def moderate(self, batch: Batch, at_ms: int, record: Record, command: AnyCommand) -> None:
        """Decide, or have a hook decide and let the room wait for it."""
        if wrong := _misplaced(record, command.room) or flaw(command):
            batch.dead_letter(record, wrong)
            return
        rules = self._now.rules
        sanction = self._now.sanction(command.by)
        refusal = barred(command, sanction, at_ms, settings.text_limit)
        verdict = None
        if refusal is None and isinstance(command, SendMessage | EditMessage):
            verdict = self._judge(batch, at_ms, record, command, rules)
        elif refusal is None and isinstance(command, CreateRoom | ChangeRoom):
            verdict = _judge_heading(at_ms, record, command, rules.of_headings)
        decision = Decision(command, refusal) if refusal else decided(command, verdict)
        settle = partial(_settle, record, at_ms, command, decision, rules)
        if hook := self._asks(rules, command, decision):
            asked = self._hooks.ask(hook, decision.command, at_ms)  # type: ignore[arg-type]
            self.waiting.put(command.room, batch.defer(record), asked, settle)
        elif command.room in self.waiting:
            self.waiting.put(command.room, batch.defer(record), None, settle)
        else:
            settle(batch, None)

    def _judge(
        self,
        batch: Batch,
        at_ms: int,
        record: Record,
        command: SendMessage | EditMessage,
        rules: RuleSet,
    ) -> Ruling | None:
        attachments = len(getattr(command, "attachments", ()))
        message = Message(
            command.room, command.by, command.text, at_ms=at_ms, attachments=attachments
        )
        key = f"{command.room}/{command.by}"
        pace = (paces.read(record.partition, key) if rules.uses_pace else None) or Pace()
        # After a crash it comes again, and is not held against itself.
        facts = _facts(record, command, rules, before(pace, record.offset))
        verdict = _verdict(record, message, facts, rules)
        if not isinstance(command, SendMessage) or counts(pace, record.offset):
            return verdict
        if rules.uses_pace:
            more = after(pace, at_ms, message.folded.text, record.offset)
            paces.write(record.partition, key, more, record.offset)
        if rules.everywhere:
            written = encode(Written(command.by, at_ms))
            batch.send(PACE, record, written, key=command.by.encode())
        return verdict

    def _asks(self, rules: RuleSet, command: AnyCommand, decision: Decision) -> Hook | None:
        hook = rules.hook
        asks = decision.refusal is None and isinstance(command, SendMessage | EditMessage)
        return hook if hook is not None and asks and hook.is_for(command.room) else None


def _judge_heading(
    at_ms: int, record: Record, command: CreateRoom | ChangeRoom, rules: RuleSet
) -> Ruling | None:
    text = heading(command)
    if not text or not rules.rules:
        return None
    message = Message(command.room, command.by, text, at_ms=at_ms)
    return _verdict(record, message, _facts(record, command, rules, Pace()), rules)


def _verdict(record: Record, message: Message, facts: Facts, rules: RuleSet) -> Ruling | None:
    broken: list[str] = []
    verdict = judge(message, facts, rules, broken)
    for rule in broken:
        log.error("a rule failed and was passed over", rule=rule, offset=record.offset)
    return verdict


def _facts(record: Record, command: AnyCommand, rules: RuleSet, pace: Pace) -> Facts:
    if not rules.uses_members:
        return Facts(times=pace.times, texts=pace.texts)
    # The rooms' own table: this stage has the same partitions. It may be behind by a moment, so
    # that somebody who has just joined is no member yet: as new as one can be.
    member = members.read(record.partition, f"{command.room}/{command.by}")
    if member is None:
        return Facts(member=False, times=pace.times, texts=pace.texts)
    return Facts(member.role, True, member.at_ms, pace.times, pace.texts)


def _settle(
    record: Record,
    at_ms: int,
    original: AnyCommand,
    decision: Decision,
    rules: RuleSet,
    batch: Batch,
    answer: object,
) -> None:
    """Send on what was decided; `answer` is the hook's, where it was asked."""
    if answer is not None:
        decision = _with_answer(original, decision, rules, answer)
    if decision.ruling is not None:
        batch.send(MODERATION, record, encode(ruled(original, decision.ruling, at_ms)))
    moderated = Moderated(
        src=record.offset,
        at_ms=at_ms,
        command=decision.command,
        refusal=decision.refusal,
        ruling=decision.ruling,
    )
    batch.send(MODERATED, record, encode(moderated))


def _with_answer(
    original: AnyCommand, decision: Decision, rules: RuleSet, answer: object
) -> Decision:
    """The decision with what the hook has found, or what is to be done where it failed."""
    if isinstance(answer, Finding):
        known = decision.ruling.findings if decision.ruling is not None else ()
        return decided(original, ruling(rules.version, [*known, answer]))
    if isinstance(answer, WebhookFailed):
        if rules.hook is None or rules.hook.on_failure == "pass":
            return decision
        failed = Refusal("moderation_away", "Nobody can look at this message now; try again.")
        return Decision(original, failed)
    raise TypeError(f"the hook's answer is {answer!r}")


def _misplaced(record: Record, room: str) -> str:
    key = "" if record.key == room.encode() else f"the key {record.key!r} is not the room {room!r}"
    return wrong_partition(room, record.partition, settings.partitions) or key
