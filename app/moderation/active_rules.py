"""The active rule set, and the mutes and bans that hold everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from app.domain.moderation.rule import Facts, Message
from app.domain.moderation.ruleset import of_words, parse
from app.domain.moderation.ruling import judge
from app.domain.sanctions import Sanction, holds
from app.errors import Malformed, ParleyError
from app.events import AnyAct, RulesSet, Sanctioned, decode_act
from app.kafka.broadcast_reader import BroadcastReader
from app.moderation.rule_plugins import rule_kinds
from app.settings import Settings
from app.topics import RULES, SANCTIONS, wrong_partition

log = structlog.get_logger()

#: A text with every disguise that readings undo: judging it builds the indexes before a message
#: needs them.
_WARM_UP = "w4rm uppp w a r m"


class ActiveRules:
    """Follows both topics; after `start` never older than at the time of that call."""

    def __init__(self, settings: Settings) -> None:
        self._kinds = rule_kinds(settings.rules)
        self._reader = BroadcastReader(settings, (RULES, SANCTIONS), self._take)
        self._partitions = settings.partitions
        self._ready = False
        self.rules = of_words(blocked_words(settings), self._kinds)
        #: The record of the active rule set; `None` before the first.
        self.source: RulesSet | None = None
        self.sanctions: dict[str, Sanctioned] = {}
        #: Called with each sanction that is set or lifted after the start.
        self.on_sanction: Callable[[Sanctioned], None] = lambda _: None

    async def start(self) -> None:
        """Return when both topics have been read once.

        Raises `ParleyError` where this process can't use the active rule set: it would let messages
        pass that other workers stop.
        """
        await self._reader.start()
        if self.source is not None and self.rules.version != self.source.version:
            raise ParleyError(f"rule set {self.source.version} can't be used here")
        self._ready = True

    async def stop(self) -> None:
        """Stop following."""
        await self._reader.stop()

    def sanction(self, user: str) -> Sanction | None:
        """The user's sanction everywhere, whether or not it has expired."""
        found = self.sanctions.get(user)
        if found is None or not found.sanction:
            return None
        return Sanction(0, found.sanction, found.until_ms, found.reason)

    def holding(self, at_ms: int) -> list[Sanctioned]:
        """The sanctions in force at that time, in the order of users."""
        known = sorted(self.sanctions.items())
        return [found for user, found in known if holds(self.sanction(user), at_ms)]

    def _take(self, record: Any) -> None:
        try:
            act = decode_act(record.value)
            if wrong := wrong_partition(_key(act), record.partition, self._partitions):
                raise Malformed(wrong)
        except Malformed as error:
            log.warning("record skipped", topic=record.topic, reason=str(error))
            return
        if isinstance(act, Sanctioned):
            self.sanctions[act.user] = act
            if self._ready:
                self.on_sanction(act)
        elif isinstance(act, RulesSet):
            # The first sets had no number of their own.
            self._activate(act, act.version or record.offset + 1)

    def _activate(self, act: RulesSet, version: int) -> None:
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
            log.error(
                "rule set can't be used, the previous one stays", version=version, why=str(error)
            )
            return
        judge(Message("", "", _WARM_UP), Facts(), rules)
        self.rules = rules
        log.info("rule set in force", version=version, rules=len(rules.rules))


def _key(act: AnyAct) -> str:
    return act.user if isinstance(act, Sanctioned) else "rules"


def blocked_words(settings: Settings) -> list[str]:
    """The words of the file `PARLEY_BLOCKED_WORDS`, one on each line."""
    if not settings.blocked_words:
        return []
    return Path(settings.blocked_words).read_text("utf-8").splitlines()


_shared: dict[str, ActiveRules] = {}


async def active_rules(settings: Settings) -> ActiveRules:
    """The active rules, followed once for all agents of this process."""
    known = _shared.get(settings.broker)
    if known is None:
        known = ActiveRules(settings)
        await known.start()
        known = _shared.setdefault(settings.broker, known)
    return known
