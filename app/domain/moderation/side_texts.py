"""The texts of a command that members see beside its main text.

They can't be masked: the room's id is part of addresses, `meta` belongs to programs, and a masked
emoji is none. What would be masked there is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import replace

from app.domain.moderation.rule import Facts, Message
from app.domain.moderation.ruleset import RuleSet
from app.domain.moderation.ruling import judge, ruling
from app.events import AnyCommand, Attachment, CreateRoom, Finding, Ruling, SendMessage

#: The ids that edges give to rooms, in which nobody has written anything.
_GIVEN: Final = re.compile(r"(?:dm-)?[a-z2-7]{24}")


def side_text(command: AnyCommand) -> str:
    """The names and types of attachments and the strings of `meta`, or the chosen id of a room."""
    if isinstance(command, SendMessage):
        return text_beside(command.attachments, command.meta)
    if isinstance(command, CreateRoom) and not _GIVEN.fullmatch(command.room):
        return command.room
    return ""


def text_beside(attachments: tuple[Attachment, ...], meta: dict[str, Any]) -> str:
    """The texts of a message beside its own, a line for each."""
    if not attachments and not meta:
        return ""
    files = (text for one in attachments for text in (one.name, one.type))
    return "\n".join(filter(None, (*files, *_strings(meta))))


def _strings(value: Any) -> Iterator[str]:
    """The strings of a JSON value, keys included."""
    rest = [value]
    while rest:
        match rest.pop():
            case str() as text:
                yield text
            case dict() as table:
                rest += [part for entry in reversed(table.items()) for part in reversed(entry)]
            case list() as values:
                rest += reversed(values)


def judge_with(
    message: Message, beside: str, facts: Facts, rules: RuleSet, broken: list[str] | None = None
) -> Ruling | None:
    """The ruling on a message and on the text beside it."""
    found = judge(message, facts, rules, broken)
    if not beside:
        return found
    more = Message(message.room, message.by, beside, at_ms=message.at_ms)
    other = unmaskable(judge(more, facts, rules.of_headings, broken))
    if other is None or found is None:
        return other or found
    return ruling(rules.version, [*found.findings, *other.findings])


def unmaskable(found: Ruling | None) -> Ruling | None:
    """The ruling on a text that can't be masked; it has no places in the message's own text."""
    if found is None:
        return None
    return ruling(found.version, [_unmaskable(finding) for finding in found.findings])


def _unmaskable(finding: Finding) -> Finding:
    action = "refuse" if finding.action == "mask" else finding.action
    return replace(finding, action=action, spans=())
