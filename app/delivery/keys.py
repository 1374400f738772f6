"""Names of keys and channels in Valkey.

What belongs to a partition of `chat.log` carries it as hash tag, so that in a cluster, too, one
node has it all and a subscriber gets it in the order of offsets.
"""

from __future__ import annotations


def room(partition: int, name: str) -> str:
    """Hash: the room's head (`n`, `seq`, `offset`), `type` and `name`."""
    return f"{{p{partition}}}:room:{name}"


def log(partition: int, name: str) -> str:
    """Stream: the room's newest events under the id `n-0`, each with its offset."""
    return f"{{p{partition}}}:log:{name}"


def members(partition: int, name: str) -> str:
    """Hash: user → `role n`, where the user has been a member since event `n`."""
    return f"{{p{partition}}}:members:{name}"


def position(partition: int) -> str:
    """String: the offset of `chat.log` up to which this view stands."""
    return f"{{p{partition}}}:position"


def channel(partition: int, name: str) -> str:
    """Channel: the room's events as they are published."""
    return f"{{p{partition}}}:live:{name}"


def marks(partition: int, edge: str) -> str:
    """Channel: the marks that an edge puts between the partition's events."""
    return f"{{p{partition}}}:mark:{edge}"


def rooms_of(user: str) -> str:
    """Hash: the rooms that a user belongs to → the `n` of joining."""
    return f"user:{user}:rooms"


def user(name: str) -> str:
    """Channel: what concerns one person alone."""
    return f"user:{name}"


def edge(name: str) -> str:
    """Channel: answers to the commands that an edge wrote."""
    return f"edge:{name}"
