"""moderation: `chat.raw` → ruling → `chat.moderated`, and the rulings also on `chat.moderation`.

This is the only stage that may use a clock, rules that change, or a service outside. Its decisions
are recorded, and every later stage is a function of the record.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import structlog
from msgspec.structs import replace

from app.deployment.followed import FollowedDeployment, followed_deployment
from app.deployment.lost_commands import LostCommands
from app.domain.emojis import REACTIONS, allowed, reaction
from app.domain.moderation.decide import Decision, barred, decided, hook_kind, ruled, unasked
from app.domain.moderation.heading import heading
from app.domain.moderation.pace import Pace, after, after_act, before, counts, hurried
from app.domain.moderation.rule import Facts, Message
from app.domain.moderation.ruleset import Hook, RuleSet
from app.domain.moderation.ruling import ruling
from app.domain.moderation.side_texts import judge_with, side_text, unmaskable
from app.domain.versioned_value import version_of
from app.domain.wellformed import flaw
from app.events import (
    TO,
    AddReaction,
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
from app.runtime.derived_keys import KeyRing
from app.runtime.outside_addresses import OutsideAddresses
from app.stream.batch import MAX_VALUE_BYTES, Batch
from app.stream.batch_loop import batches
from app.stream.consumer_groups import group, raw_topic
from app.stream.groups import PIPELINE
from app.stream.room_queues import RoomQueues
from app.topics import AWAY, MODERATED, MODERATION, PACE, RAW, wrong_partition
from app.tracing.tracing import Span
from tables.members import members
from tables.paces import paces

pipeline = group(PIPELINE)
settings = pipeline.context.settings
rulings = pipeline.context.metrics.rulings
tracing = pipeline.context.tracing
log = structlog.get_logger()

_REACTIONS = allowed(settings.reactions)


@pipeline.agent(raw_topic(pipeline, RAW))
async def moderation(stream: Any) -> None:
    """Give every command its ruling, in the order of its room."""
    deployment = await followed_deployment(settings)
    stage = _Stage(await active_rules(settings), deployment)
    async for batch in batches(stream, (paces,)):
        # Before the batch, not after it: a command that waited must not be sent ahead of outputs
        # that the batch has added.
        await stage.waiting.wait_for_room()
        await stage.lost.look_up(batch.partitions)
        at_ms = now_ms()
        # Half of the usual limit: later stages get the command together with its ruling.
        batch.each(decode_command, partial(stage.moderate, batch, at_ms), MAX_VALUE_BYTES // 2)


class _Stage:
    """The state of the stage: rules, webhook, waiting commands."""

    def __init__(self, active: ActiveRules, deployment: FollowedDeployment) -> None:
        self.waiting = RoomQueues()
        self.lost = LostCommands(settings, deployment)
        self._active = active
        self._deployment = deployment
        self._webhook = WebhookClient(
            KeyRing(settings.secret, settings.secret_other),
            OutsideAddresses(settings.webhook_hosts),
        )

    def moderate(self, batch: Batch, at_ms: int, record: Record, command: AnyCommand) -> None:
        """Decide on a command, or ask the webhook and let the room wait.

        A command for a room that is at home in another region is decided there. One whose event is
        this region's tail stays with it.
        """
        if self.lost.has_offset(record.partition, record.offset):
            return
        home = self._deployment.now.home(record.partition, settings.region)
        if home not in {settings.region, ""}:
            kept = (one for one in record.headers if one[0] != TO)
            batch.send(AWAY, record, record.value, (*kept, (TO, home.encode())))
            return
        if wrong := _misplaced(record, command.room) or flaw(command):
            batch.dead_letter(record, wrong)
            return
        span = tracing.of_record("moderation", record.headers)
        rules = self._active.rules
        sanction = self._active.sanction(command.by)
        refusal = barred(command, sanction, at_ms, settings.text_limit)
        ruling = None
        if refusal is None and isinstance(command, SendMessage | EditMessage):
            ruling = self._judge(batch, at_ms, record, command, rules)
        elif refusal is None and isinstance(command, AddReaction):
            known = reaction(command.emoji, _REACTIONS)
            command = replace(command, emoji=known or command.emoji)
            refusal, ruling = self._judge_reaction(batch, at_ms, record, command, rules)
        elif refusal is None and isinstance(command, CreateRoom | ChangeRoom):
            ruling = _judge_heading(at_ms, record, command, rules.of_headings)
        decision = Decision(command, refusal) if refusal else decided(command, ruling)
        settle = partial(self._settle, record, at_ms, command, decision, rules, span)
        if hook := _hook_for(rules, command, decision):
            trace = "" if span is None else str(span.place)
            request = self._webhook.ask(hook, decision.command, at_ms, trace)
            self.waiting.put(command.room, batch.defer(record), request, settle)
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
        # After a crash the record comes again, and must not count against itself.
        place = _place(batch, record)
        facts = _facts(record, command, rules, before(pace, place))
        ruling = _ruling(record, message, side_text(command), facts, rules)
        if counts(pace, place):
            return ruling
        if rules.uses_pace:
            if isinstance(command, SendMessage):
                more = after(pace, at_ms, message.folded.text, place)
            else:
                more = after_act(pace, at_ms, place)
            paces.write(record.partition, key, more, place)
        _count_everywhere(batch, at_ms, record, command, rules)
        return ruling

    def _judge_reaction(
        self, batch: Batch, at_ms: int, record: Record, command: AddReaction, rules: RuleSet
    ) -> tuple[Refusal | None, Ruling | None]:
        """Judge the emoji, which may be a text; its pace counts under any rules."""
        key = f"{command.room}/{command.by}"
        pace = paces.read(record.partition, key) or Pace()
        place = _place(batch, record)
        earlier = before(pace, place)
        if not counts(pace, place):
            more = after_act(pace, at_ms, place)
            paces.write(record.partition, key, more, place)
            _count_everywhere(batch, at_ms, record, command, rules)
        if hurried(earlier, at_ms):
            return Refusal("slow_mode", "Wait a moment before your next reaction."), None
        if reaction(command.emoji, _REACTIONS) is None:
            return Refusal("malformed", f"{REACTIONS[0].upper()}{REACTIONS[1:]}."), None
        message = Message(command.room, command.by, command.emoji, at_ms=at_ms)
        facts = _facts(record, command, rules, earlier)
        return None, unmaskable(_ruling(record, message, "", facts, rules.of_reactions))

    def _settle(
        self,
        record: Record,
        at_ms: int,
        original: AnyCommand,
        decision: Decision,
        rules: RuleSet,
        span: Span | None,
        batch: Batch,
        answer: object,
    ) -> None:
        """Send the decision; `answer` is that of the webhook, if it was asked."""
        if answer is not None:
            decision = _with_answer(original, decision, rules, answer)
        if decision.ruling is not None:
            batch.send(MODERATION, record, encode(ruled(original, decision.ruling, at_ms)))
            rulings.add(decision.ruling.action)
        # Above those of the home before, whose commands have other offsets.
        home_origin = self._deployment.now.home_origin(record.partition)
        moderated = Moderated(
            src=record.offset,
            origin=max(batch.origin(record), home_origin),
            at_ms=at_ms,
            command=decision.command,
            refusal=decision.refusal,
            ruling=decision.ruling,
        )
        if span is None:
            batch.send(MODERATED, record, encode(moderated))
            return
        span.note(
            parley_room=original.room,
            parley_outcome="refused" if decision.refusal else _action(decision.ruling),
        )
        batch.when_sent(span.end)
        batch.send(MODERATED, record, encode(moderated), (span.header,))


def _action(ruling: Ruling | None) -> str:
    return "allow" if ruling is None else ruling.action


def _place(batch: Batch, record: Record) -> int:
    """The place of a record among all of its partition, as one number that only grows."""
    return version_of(batch.origin(record), record.offset)


def _count_everywhere(
    batch: Batch, at_ms: int, record: Record, command: AnyCommand, rules: RuleSet
) -> None:
    """Tell the agent that sees all that a user writes, where a rule asks about it."""
    if rules.everywhere:
        written = encode(Written(command.by, at_ms))
        batch.send(PACE, record, written, key=command.by.encode())


def _hook_for(rules: RuleSet, command: AnyCommand, decision: Decision) -> Hook | None:
    """The webhook to ask about a command, if any."""
    hook = rules.hook
    if hook is None or decision.refusal is not None:
        return None
    return hook if hook.is_for(command.room, hook_kind(command)) else None


def _judge_heading(
    at_ms: int, record: Record, command: CreateRoom | ChangeRoom, rules: RuleSet
) -> Ruling | None:
    text, beside = heading(command), side_text(command)
    if not (text or beside) or not rules.rules:
        return None
    message = Message(command.room, command.by, text, at_ms=at_ms)
    return _ruling(record, message, beside, _facts(record, command, rules, Pace()), rules)


def _ruling(
    record: Record, message: Message, beside: str, facts: Facts, rules: RuleSet
) -> Ruling | None:
    broken: list[str] = []
    ruling = judge_with(message, beside, facts, rules, broken)
    for rule in broken:
        log.error("a rule failed and was skipped", rule=rule, offset=record.offset)
    return ruling


def _facts(record: Record, command: AnyCommand, rules: RuleSet, pace: Pace) -> Facts:
    if not rules.uses_members:
        return Facts(times=pace.times, texts=pace.texts, acts=pace.acts)
    # The table of the `rooms` agent, on the same partitions. It may be a moment behind: then
    # a user who has just joined counts as no member yet, which is as new as one can be.
    member = members.read(record.partition, f"{command.room}/{command.by}")
    if member is None:
        return Facts(member=False, times=pace.times, texts=pace.texts, acts=pace.acts)
    return Facts(member.role, True, member.at_ms, pace.times, pace.texts, acts=pace.acts)


def _with_answer(
    original: AnyCommand, decision: Decision, rules: RuleSet, answer: object
) -> Decision:
    """The decision with the webhook's finding, or as the rules say for a failed webhook."""
    if isinstance(answer, Finding):
        known = decision.ruling.findings if decision.ruling is not None else ()
        return decided(original, ruling(rules.version, [*known, answer]))
    if isinstance(answer, WebhookFailed):
        on_failure = "pass" if rules.hook is None else rules.hook.on_failure
        return unasked(original, decision, rules.version, on_failure)
    raise TypeError(f"the webhook's answer is {answer!r}")


def _misplaced(record: Record, room: str) -> str:
    key = "" if record.key == room.encode() else f"the key {record.key!r} is not the room {room!r}"
    return wrong_partition(room, record.partition, settings.partitions) or key
