"""Permissions by role: the table that docs/roles.md shows."""

from __future__ import annotations

from typing import Final

#: From the least to the most.
ROLES: Final = ("member", "moderator", "admin", "owner")

#: The least role for each action. Some have further conditions: see `may_act_on`, and the room's
#: setting `post`, which can raise the role for `message.send`.
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
    """A role's rank; raises `ValueError` for an unknown role."""
    return ROLES.index(role)


def may(role: str, action: str) -> bool:
    """Whether the role permits the action."""
    return rank(role) >= rank(LEAST[action])


def may_act_on(role: str, other: str) -> bool:
    """Whether the role may remove members of the other role, or change their role."""
    return rank(role) > rank(other)


def may_give(role: str, given: str) -> bool:
    """Whether the role may give that role: only one below itself."""
    return rank(role) > rank(given)


def first_role(room_type: str) -> str:
    """The role of a room's creator; both users of a direct room are members."""
    return "member" if room_type == "direct" else "owner"
