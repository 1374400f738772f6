"""Who may do what: the one table of roles (docs/roles.md shows it)."""

from __future__ import annotations

from typing import Final

#: From the least to the most.
ROLES: Final = ("member", "moderator", "admin", "owner")

#: The least role for each action. Some have conditions besides: see `may_act_on`, and the room's
#: `post` setting, which can raise what `message.send` needs.
LEAST: Final = {
    "room.read": "member",
    "message.send": "member",
    "message.edit.own": "member",
    "message.delete.own": "member",
    "reaction": "member",
    "mention.everyone": "member",
    "mention.everyone.public": "moderator",
    "slow_mode.exempt": "moderator",
    "message.edit.any": "moderator",
    "message.delete.any": "moderator",
    "message.hide": "moderator",
    "message.approve": "moderator",
    "sanction": "moderator",
    "member.add": "moderator",
    "member.remove": "moderator",
    "member.role": "admin",
    "room.change": "admin",
    "room.archive": "owner",
    "room.hand_over": "owner",
}


def rank(role: str) -> int:
    """A role's place among the roles; raises `ValueError` for what is none."""
    return ROLES.index(role)


def may(role: str, action: str) -> bool:
    """Whether somebody of this role may do this."""
    return rank(role) >= rank(LEAST[action])


def may_act_on(role: str, other: str) -> bool:
    """Whether somebody of this role may remove, or change the role of, somebody of the other."""
    return rank(role) > rank(other)


def may_give(role: str, given: str) -> bool:
    """Whether somebody of this role may give that one: only what is below their own."""
    return rank(role) > rank(given)


def first_role(room_type: str) -> str:
    """The role of who opens a room; a direct room has two members, and nobody above them."""
    return "member" if room_type == "direct" else "owner"
