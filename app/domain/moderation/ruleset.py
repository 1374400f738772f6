"""Rule sets: what counts, all of it together, and out of which text it is made."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from app.domain.moderation.rule import Facts, Hit, Message, Rule
from app.domain.moderation.toml_lines import line_of
from app.errors import ParleyError


class Kind(NamedTuple):
    """A rule file: its name, what can be set, and its judgement."""

    name: str
    settings: type[Rule]
    judge: Callable[[Message, Facts, Any], Hit | None]


class ActiveRule(NamedTuple):
    """A rule of a set; `name` is what verdicts call it."""

    name: str
    kind: Kind
    settings: Rule


class Hook(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A service that is asked before a message is accepted.

    It has `timeout_ms`; where it fails, messages `pass` or are refused. `rooms` as of a rule.
    """

    url: str
    timeout_ms: int = 1000
    on_failure: Literal["pass", "refuse"] = "pass"
    rooms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError("url is of http or https")
        if not 50 <= self.timeout_ms <= 10_000:
            raise ValueError("timeout_ms is 50 to 10000")

    def is_for(self, room: str) -> bool:
        """Whether messages of a room are asked about."""
        return Rule(rooms=self.rooms).is_for(room)


class RuleSet(NamedTuple):
    """The rules that count, under the version that verdicts name; 0 before the first is set."""

    version: int = 0
    rules: tuple[ActiveRule, ...] = ()
    hook: Hook | None = None

    @property
    def uses_pace(self) -> bool:
        """Whether it matters how fast somebody writes in a room."""
        return any(rule.settings.uses_pace for rule in self.rules)

    @property
    def uses_members(self) -> bool:
        """Whether it matters who somebody is in a room."""
        return any(rule.settings.exempt or rule.settings.uses_members for rule in self.rules)

    @property
    def of_headings(self) -> RuleSet:
        """The rules that are about a room's name and topic, too."""
        return self._replace(rules=tuple(rule for rule in self.rules if rule.settings.of_headings))

    @property
    def everywhere(self) -> tuple[ActiveRule, ...]:
        """The rules about what somebody writes over all rooms."""
        return tuple(rule for rule in self.rules if rule.settings.uses_everywhere)


class RuleMistake(ParleyError):
    """A rule file that can't be taken: `line`, from 1, and the reason. Nothing of it counts."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


def parse(
    source: str, lists: Mapping[str, Iterable[str]], kinds: Mapping[str, Kind], version: int = 0
) -> RuleSet:
    """The rule set that a TOML text says; `lists` are the files it names, line by line.

    Raises `RuleMistake` for the first mistake.
    """
    try:
        tables = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
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
    """A rule set that refuses these words and phrases, and no more."""
    listed = tuple(word.strip() for word in words if word.strip())
    if not listed:
        return RuleSet()
    kind = kinds["words"]
    return RuleSet(rules=(ActiveRule("words", kind, kind.settings(words=listed)),))  # type: ignore[call-arg]


class _Where(NamedTuple):
    """A table of the text, so that a mistake in it has a line."""

    source: str
    kind: str
    place: int

    def mistake(self, key: str, reason: str) -> RuleMistake:
        return RuleMistake(line_of(self.source, self.kind, self.place, key), reason)

    def convert(self, table: dict[str, Any], kind: type[Any]) -> Any:
        try:
            return msgspec.convert(table, kind)
        except msgspec.ValidationError as error:
            reason, key = _told(str(error), kind)
            raise self.mistake(key, f"{self.kind}: {reason}") from None


def _standing(where: _Where, table: dict[str, Any], kind: Kind) -> ActiveRule:
    settings = where.convert(table, kind.settings)
    if settings.action == "mask" and not settings.can_mask:
        reason = f"{kind.name} can't mask: it says of a message that, not where"
        raise where.mistake("action", reason)
    name = settings.name or (kind.name if not where.place else f"{kind.name}-{where.place + 1}")
    return ActiveRule(name, kind, settings)


def _with_lists(
    where: _Where, table: dict[str, Any], lists: Mapping[str, Iterable[str]]
) -> dict[str, Any]:
    """The table with the lines of its files among its words."""
    names = table.get("files", [])
    if not isinstance(names, list) or not isinstance(table.get("words", []), list):
        return table
    words = list(table.get("words", []))
    for name in names:
        if name not in lists:
            raise where.mistake("files", f"there is no file {name!r}")
        words += [line.strip() for line in lists[name] if line.strip()]
    return {**table, "words": words} if names else table


def _told(text: str, kind: type[Any]) -> tuple[str, str]:
    """A mismatch as a reason, and the key that it is about."""
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


def _unreadable(source: str, error: tomllib.TOMLDecodeError) -> RuleMistake:
    text = str(error)
    found = text.rpartition("(at line ")[2].partition(",")[0]
    line = int(found) if found.isdigit() else source.count("\n") + 1
    return RuleMistake(line, text.rpartition(" (at ")[0] or text)
