"""What becomes of a command in the moderation stage."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from app.events import (
    AddReaction,
    AnyCommand,
    EditMessage,
    Refusal,
    Ruling,
    SendMessage,
)
from app.rules.moderation.verdict import masked
from app.rules.sanctions import Sanction, refusal_of

_SPOKEN = (SendMessage, EditMessage)


class Decision(NamedTuple):
    """The command as it goes on, and why it does not, or not as it came."""

    command: AnyCommand
    refusal: Refusal | None = None
    ruling: Ruling | None = None


def barred(
    command: AnyCommand, sanction: Sanction | None, at_ms: int, text_limit: int
) -> Refusal | None:
    """Why a command goes no further, whatever the rules say; `sanction` is the one everywhere."""
    if sanction is not None and not getattr(command, "admin", False):
        speaks = isinstance(command, (*_SPOKEN, AddReaction))
        if refusal := refusal_of(sanction, at_ms, speaks=speaks):
            return refusal
    if not isinstance(command, SendMessage | EditMessage):
        return None
    if not command.text.strip() and not getattr(command, "attachments", ()):
        return Refusal("text_empty", "A message needs text, or something attached.")
    if len(command.text) > text_limit:
        return Refusal(
            "text_too_long",
            f"A message has at most {text_limit} characters; this has {len(command.text)}.",
        )
    return None


def decided(command: AnyCommand, ruling: Ruling | None) -> Decision:
    """The command under a verdict; `hide` and `hold` are the rooms' to carry out.

    An edit can't be held or hidden, as the message is there already: it is refused.
    """
    if ruling is None or not isinstance(command, SendMessage | EditMessage):
        return Decision(command)
    action = ruling.action
    if action == "refuse" or (isinstance(command, EditMessage) and action != "mask"):
        return Decision(command, Refusal("blocked", ruling.findings[0].reason), ruling)
    if action == "mask":
        return Decision(replace(command, text=masked(command.text, ruling)), None, ruling)
    return Decision(command, None, ruling)
