"""Rule sets, and parsing them from TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from app.domain.moderation.rule import Facts, Hit, Message, Rule
from app.domain.moderation.toml_limits import form_flaw
from app.domain.moderation.toml_lines import line_of
from app.errors import ParleyError


class Kind(NamedTuple):
    """A kind of rule: the name of its file, its settings, and its function."""

    name: str
    settings: type[Rule]
    judge: Callable[[Message, Facts, Any], Hit | None]


class ActiveRule(NamedTuple):
    """A rule of a set; rulings refer to it by `name`."""

    name: str
    kind: Kind
    settings: Rule


class Hook(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The webhook: a service that is asked before a message is accepted.

    It has `timeout_ms` to answer a request; if it fails twice, the message is held for review, is
    refused, or passes. `rooms` are those of a rule. `kinds` is what it is asked about: `rooms` are
    the names, topics and ids of rooms.
    """

    url: str
    timeout_ms: int = 1000
    on_failure: Literal["hold", "refuse", "pass"] = "hold"
    rooms: tuple[str, ...] = ()
    kinds: tuple[Literal["messages", "reactions", "rooms"], ...] = ("messages",)

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError("url is of http or https")
        if not 50 <= self.timeout_ms <= 10_000:
            raise ValueError("timeout_ms is 50 to 10000")

    def is_for(self, room: str, kind: str = "messages") -> bool:
        """Whether the webhook is asked about what is written in a room, of that kind."""
        return kind in self.kinds and Rule(rooms=self.rooms).is_for(room)


class RuleSet(NamedTuple):
    """A rule set with its version, which is 0 before the first was set."""

    version: int = 0
    rules: tuple[ActiveRule, ...] = ()
    hook: Hook | None = None

    @property
    def uses_pace(self) -> bool:
        """Whether a rule uses the pace of users in a room."""
        return any(rule.settings.uses_pace for rule in self.rules)

    @property
    def uses_members(self) -> bool:
        """Whether a rule uses the membership of users."""
        return any(rule.settings.exempt or rule.settings.uses_members for rule in self.rules)

    @property
    def of_headings(self) -> RuleSet:
        """The rules that apply to all texts that members see, not to messages alone."""
        return self._replace(rules=tuple(rule for rule in self.rules if rule.settings.of_headings))

    @property
    def of_reactions(self) -> RuleSet:
        """The rules that apply to reactions: to their text, or because of their pace."""
        kept = (r for r in self.rules if r.settings.of_headings or r.settings.of_reactions)
        return self._replace(rules=tuple(kept))

    @property
    def everywhere(self) -> tuple[ActiveRule, ...]:
        """The rules about the pace of a user over all rooms."""
        return tuple(rule for rule in self.rules if rule.settings.uses_everywhere)


class RuleMistake(ParleyError):
    """A mistake in a rule file, at `line` from 1, with its reason. Nothing of the file is used."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


def parse(
    source: str, lists: Mapping[str, Iterable[str]], kinds: Mapping[str, Kind], version: int = 0
) -> RuleSet:
    """The rule set of a TOML text; `lists` are the lines of the files that it names.

    Raises `RuleMistake` for the first mistake. The time is in proportion to the text.
    """
    if (flaw := form_flaw(source)) is not None:
        raise RuleMistake(*flaw)
    try:
        tables = tomllib.loads(source)
    except ValueError as error:  # the parser's own, and that of a number with too many digits
        raise _unreadable(source, error) from None
    rules: list[ActiveRule] = []
    hook = None
    for kind, given in tables.items():
        each = given if isinstance(given, list) else [given]
        for place, table in enumerate(each):
            where = _Where(source, kind, place)
            if not isinstance(table, dict):
                raise where.mistake("", f"{kind!r} is no table of settings")
            if kind == "hook":
                hook = where.convert(table, Hook)
            elif kind in kinds:
                rules.append(_standing(where, _with_lists(where, table, lists), kinds[kind]))
            else:
                known = ", ".join(sorted((*kinds, "hook")))
                raise where.mistake("", f"there is no rule {kind!r}; there are {known}")
    return RuleSet(version, tuple(rules), hook)


def of_words(words: Iterable[str], kinds: Mapping[str, Kind]) -> RuleSet:
    """A rule set that refuses these words and phrases."""
    listed = tuple(word.strip() for word in words if word.strip())
    if not listed:
        return RuleSet()
    kind = kinds["words"]
    return RuleSet(rules=(ActiveRule("words", kind, kind.settings(words=listed)),))  # type: ignore[call-arg]


class _Where(NamedTuple):
    """A table of the text, for the line of a mistake."""

    source: str
    kind: str
    place: int

    def mistake(self, key: str, reason: str) -> RuleMistake:
        return RuleMistake(line_of(self.source, self.kind, self.place, key), reason)

    def convert(self, table: dict[str, Any], kind: type[Any]) -> Any:
        try:
            return msgspec.convert(table, kind)
        except msgspec.ValidationError as error:
            reason, key = _reason_of(str(error), kind)
            raise self.mistake(key, f"{self.kind}: {reason}") from None


def _standing(where: _Where, table: dict[str, Any], kind: Kind) -> ActiveRule:
    settings = where.convert(table, kind.settings)
    if settings.action == "mask" and not settings.can_mask:
        reason = f"{kind.name} can't mask: it does not find places in the text"
        raise where.mistake("action", reason)
    name = settings.name or (kind.name if not where.place else f"{kind.name}-{where.place + 1}")
    return ActiveRule(name, kind, settings)


def _with_lists(
    where: _Where, table: dict[str, Any], lists: Mapping[str, Iterable[str]]
) -> dict[str, Any]:
    """The table with the lines of its files added to its words."""
    names = table.get("files", [])
    if not isinstance(names, list) or not isinstance(table.get("words", []), list):
        return table
    words = list(table.get("words", []))
    for name in names:
        if name not in lists:
            raise where.mistake("files", f"there is no file {name!r}")
        words += [line.strip() for line in lists[name] if line.strip()]
    return {**table, "words": words} if names else table


def _reason_of(text: str, kind: type[Any]) -> tuple[str, str]:
    """The reason of a validation error, and its key."""
    reason, _, path = text.partition(" - at `$")
    key = path.strip(".`").split("[")[0].split(".")[0]
    for field in msgspec.structs.fields(kind):
        if not key and field.name in reason.replace("`", " ").replace(":", " ").split():
            key = field.name
    if "unknown field" in reason:
        key = reason.split("`")[1]
        return f"there is no setting {key!r}", key
    if "missing required field" in reason:
        return f"{reason.split('`')[1]!r} has to be there", ""
    return (f"{key}: {reason}" if path else reason), key


def _unreadable(source: str, error: ValueError) -> RuleMistake:
    text = str(error)
    found = text.rpartition("(at line ")[2].partition(",")[0]
    line = int(found) if found.isdigit() else source.count("\n") + 1
    return RuleMistake(line, text.rpartition(" (at ")[0] or text)
