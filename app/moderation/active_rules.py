"""What is in force everywhere: the rule set, and who is muted or banned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from app.domain.moderation.rule import Facts, Message
from app.domain.moderation.ruleset import of_words, parse
from app.domain.moderation.verdict import judge
from app.domain.sanctions import Sanction, holds
from app.errors import Malformed, ParleyError
from app.events import AnyAct, RulesSet, Sanctioned, decode_act
from app.kafka.broadcast_reader import BroadcastReader
from app.moderation.rule_plugins import rule_kinds
from app.settings import Settings
from app.topics import RULES, SANCTIONS, wrong_partition

log = structlog.get_logger()

#: A text in every disguise that readings undo, so that no message waits for an index to be made.
_WARM = "w4rm uppp w a r m"


class ActiveRules:
    """Follows both topics. After `start` it is never older than when that was called."""

    def __init__(self, settings: Settings) -> None:
        self._kinds = rule_kinds(settings.rules)
        self._broadcast = BroadcastReader(settings, (RULES, SANCTIONS), self._take)
        self._partitions = settings.partitions
        self._ready = False
        self.rules = of_words(blocked_words(settings), self._kinds)
        #: The rule set as it was set; `None` before the first.
        self.source: RulesSet | None = None
        self.sanctions: dict[str, Sanctioned] = {}
        #: Called with each sanction that is set, or lifted, from now on.
        self.on_sanction: Callable[[Sanctioned], None] = lambda _: None

    async def start(self) -> None:
        """Return when both topics have been read once.

        Raises `ParleyError` where this process can't follow the rule set that is in force: it
        would let through what others don't.
        """
        await self._broadcast.start()
        if self.source is not None and self.rules.version != self.source.version:
            raise ParleyError(f"rule set {self.source.version} can't be used here")
        self._ready = True

    async def stop(self) -> None:
        """Follow no longer."""
        await self._broadcast.stop()

    def sanction(self, user: str) -> Sanction | None:
        """What somebody is under everywhere, be it over by now or not."""
        found = self.sanctions.get(user)
        if found is None or not found.sanction:
            return None
        return Sanction(0, found.sanction, found.until_ms, found.reason)

    def holding(self, at_ms: int) -> list[Sanctioned]:
        """The sanctions in force at that time, by user."""
        known = sorted(self.sanctions.items())
        return [found for user, found in known if holds(self.sanction(user), at_ms)]

    def _take(self, record: Any) -> None:
        try:
            act = decode_act(record.value)
            if wrong := wrong_partition(_key(act), record.partition, self._partitions):
                raise Malformed(wrong)
        except Malformed as error:
            log.warning("record passed over", topic=record.topic, reason=str(error))
            return
        if isinstance(act, Sanctioned):
            self.sanctions[act.user] = act
            if self._ready:
                self.on_sanction(act)
        elif isinstance(act, RulesSet):
            self._put(act, record.offset + 1)

    def _put(self, act: RulesSet, version: int) -> None:
        self.source = RulesSet(
            id=act.id,
            by=act.by,
            at_ms=act.at_ms,
            source=act.source,
            lists=act.lists,
            version=version,
        )
        try:
            rules = parse(act.source, act.lists, self._kinds, version)
        except ParleyError as error:
            log.error("rule set can't be used, the last one stays", version=version, why=str(error))
            return
        judge(Message("", "", _WARM), Facts(), rules)
        self.rules = rules
        log.info("rule set in force", version=version, rules=len(rules.rules))


def _key(act: AnyAct) -> str:
    return act.user if isinstance(act, Sanctioned) else "rules"


def blocked_words(settings: Settings) -> list[str]:
    """The words of `PARLEY_BLOCKED_WORDS`, one a line."""
    if not settings.blocked_words:
        return []
    return Path(settings.blocked_words).read_text("utf-8").splitlines()


_shared: dict[str, ActiveRules] = {}


async def active_rules(settings: Settings) -> ActiveRules:
    """What is in force, read once for all agents of this process."""
    known = _shared.get(settings.broker)
    if known is None:
        known = ActiveRules(settings)
        await known.start()
        known = _shared.setdefault(settings.broker, known)
    return known
