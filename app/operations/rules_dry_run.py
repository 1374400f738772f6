"""`parley rules shadow`: a dry run of a rule set on real messages."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator

from app.domain.moderation.pace import Pace, after
from app.domain.moderation.rule import Facts, Message
from app.domain.moderation.ruleset import RuleSet
from app.domain.moderation.side_texts import judge_with, side_text
from app.domain.records import Member
from app.errors import Malformed
from app.events import Finding, Ruling, SendMessage, decode_command
from app.kafka.partition_reader import PartitionReader
from app.operations.recount import Recount
from app.settings import Settings
from app.stream.groups import PIPELINE
from app.topics import RAW

_PASSES = "pass"


class DryRun:
    """A candidate beside the active rule set: the rulings of both on the same messages."""

    def __init__(self, candidate: RuleSet, present: RuleSet, samples: int) -> None:
        self.members: dict[str, Member] = {}
        #: Called with each sample as it is found.
        self.on_sample: Callable[[Finding, str], None] = lambda _finding, _sample: None
        self._candidate = candidate
        self._present = present
        self._max_samples = samples
        self._paces: dict[str, Pace] = {}
        self._durations_ns: list[int] = []
        self._counts: Counter[tuple[str, str]] = Counter()
        self._changes: Counter[tuple[str, str]] = Counter()
        self._samples: dict[tuple[str, str], list[str]] = {}

    def take(self, command: SendMessage, at_ms: int) -> None:
        """Judge one message."""
        key = f"{command.room}/{command.by}"
        pace = self._paces.get(key, Pace())
        facts = self._facts(key, pace)
        files = len(command.attachments)
        # One for each: the work that a message may cost is for one set of rules.
        message, again = (
            Message(command.room, command.by, command.text, at_ms=at_ms, attachments=files)
            for _ in range(2)
        )
        beside = side_text(command)
        started = time.perf_counter_ns()
        ruling = judge_with(message, beside, facts, self._candidate)
        self._durations_ns.append(time.perf_counter_ns() - started)
        now = judge_with(again, beside, facts, self._present)
        self._changes[_action(now), _action(ruling)] += 1
        self._paces[key] = after(pace, at_ms, message.folded.text)
        if ruling is not None:
            self._note(command, ruling)

    def _facts(self, key: str, pace: Pace) -> Facts:
        member = self.members.get(key)
        if member is None:
            return Facts(times=pace.times, texts=pace.texts)
        return Facts(member.role, True, member.at_ms, pace.times, pace.texts)

    def _note(self, command: SendMessage, ruling: Ruling) -> None:
        for finding in ruling.findings:
            kind = (finding.action, finding.rule)
            self._counts[kind] += 1
            kept = self._samples.setdefault(kind, [])
            if len(kept) < self._max_samples:
                matched = f"  ({', '.join(finding.matched)})" if finding.matched else ""
                kept.append(f"{command.room} {command.by}: {command.text[:200]!r}{matched}")
                self.on_sample(finding, kept[-1])

    @property
    def seen(self) -> int:
        """How many messages were judged."""
        return len(self._durations_ns)

    def report(self) -> Iterator[str]:
        """Lines with counts, samples, cost, and the rulings that would change."""
        ordered = sorted(self._durations_ns)
        cost = f", {ordered[len(ordered) // 2] / 1000:.1f} µs each at the median" if ordered else ""
        yield f"{len(ordered)} messages{cost}"
        for kind, count in self._counts.most_common():
            yield f"{kind[0]:<7} {count:>6}  {kind[1]}"
            yield from (f"          {sample}" for sample in self._samples[kind])
        changed = {k: n for k, n in self._changes.items() if k[0] != k[1]}
        yield f"{sum(changed.values())} otherwise than by version {self._present.version}, in force"
        for (now, then), count in sorted(changed.items(), key=lambda entry: -entry[1]):
            yield f"  {now} → {then}: {count}"


def _action(ruling: Ruling | None) -> str:
    return _PASSES if ruling is None else ruling.action


async def feed(
    settings: Settings,
    dry_run: DryRun,
    since_ms: int,
    live: float,
    on_live: Callable[[], None],
) -> None:
    """Judge the messages since then, call `on_live`, and judge new ones for `live` seconds."""
    until = None
    async with PartitionReader(settings) as reader:
        counting = Recount(settings, reader)
        dry_run.members = await counting.table(PIPELINE.id, "members", Member)
        places = range(settings.partitions)
        nexts = {place: await reader.since(RAW, place, since_ms) for place in places}
        while True:
            for place in places:
                async for record in reader.read(RAW, place, nexts[place]):
                    nexts[place] = record.offset + 1
                    _take(dry_run, record.value, record.timestamp)
            if until is None:
                until = time.monotonic() + live
                if live:
                    on_live()
            left = until - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(1.0, left))


def _take(dry_run: DryRun, value: bytes, at_ms: int) -> None:
    try:
        command = decode_command(value)
    except Malformed:
        return
    if isinstance(command, SendMessage):
        dry_run.take(command, at_ms)
