"""The decision of the moderation stage on a command."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from app.domain.moderation.heading import headed, heading
from app.domain.moderation.ruling import masked
from app.domain.moderation.ruling import ruling as ruling_of
from app.domain.moderation.side_texts import side_text
from app.domain.sanctions import Sanction, refusal_of, speaks
from app.domain.shown_text import is_visible
from app.domain.wellformed import unfit
from app.events import (
    AddReaction,
    AnyCommand,
    ChangeRoom,
    CreateRoom,
    EditMessage,
    Finding,
    Refusal,
    Ruled,
    Ruling,
    SendMessage,
)

_UNASKED = "The moderation service did not answer, so a moderator looks at the message."


class Decision(NamedTuple):
    """The command to pass on, its refusal if it is refused, and its ruling if rules caught it."""

    command: AnyCommand
    refusal: Refusal | None = None
    ruling: Ruling | None = None


def barred(
    command: AnyCommand, sanction: Sanction | None, at_ms: int, text_limit: int
) -> Refusal | None:
    """The refusal of a command regardless of rules; `sanction` is the user's everywhere."""
    if (
        sanction is not None
        and not getattr(command, "admin", False)
        and (refusal := refusal_of(sanction, at_ms, speaks=speaks(command)))
    ):
        return refusal
    if (wrong := unfit(command)) is not None:
        return Refusal("malformed", f"{wrong[0].upper()}{wrong[1:]}.")
    if not isinstance(command, SendMessage | EditMessage):
        return None
    if not is_visible(command.text) and not _has_file(command):
        return Refusal("text_empty", "A message needs text, or something attached.")
    if len(command.text) > text_limit:
        return Refusal(
            "text_too_long",
            f"A message has at most {text_limit} characters; this has {len(command.text)}.",
        )
    return None


def _has_file(command: SendMessage | EditMessage) -> bool:
    if isinstance(command, EditMessage):
        return command.file
    return bool(command.attachments)


def decided(command: AnyCommand, ruling: Ruling | None) -> Decision:
    """The decision by a ruling; the stage of the rooms carries out `hide` and `hold`.

    A reaction can't be masked, and is refused.

    An edit can't be held or hidden, because the message is there already; nor can a reaction or a
    room's name or topic. They are refused.
    """
    if ruling is None:
        return Decision(command)
    if ruling.action == "mask" and not isinstance(command, AddReaction):
        return Decision(_masked(command, ruling), None, ruling)
    if ruling.action == "refuse" or not isinstance(command, SendMessage):
        return Decision(command, Refusal("blocked", ruling.findings[0].reason), ruling)
    return Decision(command, None, ruling)


def unasked(command: AnyCommand, decision: Decision, version: int, on_failure: str) -> Decision:
    """The decision where the webhook failed; `on_failure` is its setting, `version` the rules'.

    An edit can't be held. It is refused for the moment, because it may be made again.
    """
    if on_failure == "pass":
        return decision
    if on_failure == "hold" and isinstance(command, SendMessage):
        known = decision.ruling.findings if decision.ruling is not None else ()
        return decided(command, ruling_of(version, [*known, Finding("hold", "hook", _UNASKED)]))
    return Decision(command, Refusal("moderation_away", "Nobody can look at this now; try again."))


def judged_text(command: AnyCommand) -> str:
    """The text of a command that the rules judge, without `side_text`; empty for most commands."""
    if isinstance(command, SendMessage | EditMessage):
        return command.text
    if isinstance(command, AddReaction):
        return command.emoji
    return heading(command) if isinstance(command, CreateRoom | ChangeRoom) else ""


def hook_kind(command: AnyCommand) -> str:
    """The kind of a command for a webhook's `kinds`; empty for one without a text."""
    if isinstance(command, SendMessage | EditMessage):
        return "messages"
    if isinstance(command, AddReaction):
        return "reactions"
    if isinstance(command, CreateRoom | ChangeRoom):
        return "rooms" if judged_text(command) or side_text(command) else ""
    return ""


def ruled(command: AnyCommand, ruling: Ruling, at_ms: int) -> Ruled:
    """The record of a ruling, with the original text, and behind it the text beside it."""
    return Ruled(
        id=command.id,
        by=command.by,
        at_ms=at_ms,
        room=command.room,
        client_id=command.client_id,
        text="\n".join(filter(None, (judged_text(command), side_text(command)))),
        ruling=ruling,
        seq=getattr(command, "seq", 0),
    )


def _masked(command: AnyCommand, ruling: Ruling) -> AnyCommand:
    text = masked(judged_text(command), ruling)
    if isinstance(command, CreateRoom | ChangeRoom):
        return headed(command, text)
    return replace(command, text=text)
