"""Names of keys and channels in Valkey.

What belongs to a partition of `chat.log` carries it as hash tag, so that in a cluster, too, one
node has it all and a subscriber gets it in the order of offsets. What belongs to a person lies
with that person's name, wherever that is.
"""

from __future__ import annotations


def of_partition(partition: int) -> str:
    """The pattern of all keys of a partition."""
    return f"{{p{partition}}}:*"


def room(partition: int, name: str) -> str:
    """Hash: the room's head (`n`, `seq`, `offset`), how it is called and run, its last message."""
    return f"{{p{partition}}}:room:{name}"


def log(partition: int, name: str) -> str:
    """Hash: `n` → `offset event` of the room's newest events.

    Not a stream: when a message is deleted, its text has to go from here, too, and what stands
    in a stream can't be changed.
    """
    return f"{{p{partition}}}:log:{name}"


def members(partition: int, name: str) -> str:
    """Hash: user → `role n`, where the user has been a member since event `n`."""
    return f"{{p{partition}}}:members:{name}"


def read(partition: int, name: str) -> str:
    """Hash: user → `seq` up to which the user has read, or counts as having read."""
    return f"{{p{partition}}}:read:{name}"


def gone(partition: int, name: str) -> str:
    """Sorted set: `seq`s of deleted messages, which count for nobody as unread."""
    return f"{{p{partition}}}:gone:{name}"


def mentioned(partition: int, name: str, user: str) -> str:
    """Sorted set: `seq`s of the newest messages that name the user."""
    return f"{{p{partition}}}:mentioned:{name}:{user}"


def everyone(partition: int, name: str) -> str:
    """Sorted set: `seq`s of the newest messages that name everyone."""
    return f"{{p{partition}}}:everyone:{name}"


def sanctions(partition: int, name: str) -> str:
    """Hash: user → the `sanction.set` that they are under, or were and it ended by itself."""
    return f"{{p{partition}}}:sanctions:{name}"


def position(partition: int) -> str:
    """String: the offset of `chat.log` up to which this view stands."""
    return f"{{p{partition}}}:position"


def whole(partition: int) -> str:
    """String: there, as long as nothing of this view is missing but the log's newest events."""
    return f"{{p{partition}}}:whole"


def filling(partition: int) -> str:
    """String: the sign of the view's last filling; another one after it has lost something."""
    return f"{{p{partition}}}:filling"


def receipts(partition: int) -> str:
    """String: there, as long as nothing of the partition's read marks was lost."""
    return f"{{p{partition}}}:receipts"


def receipts_filling(partition: int) -> str:
    """String: there, while the partition's read marks are set again."""
    return f"{{p{partition}}}:receipts:filling"


def channel(partition: int, name: str) -> str:
    """Channel: the room's events as they are published, and its passing states."""
    return f"{{p{partition}}}:live:{name}"


def marks(partition: int, edge: str) -> str:
    """Channel: the marks that an edge puts between the partition's events."""
    return f"{{p{partition}}}:mark:{edge}"


def rooms_of(user: str) -> str:
    """Hash: room → the `n` of joining; negative: of being removed."""
    return f"user:{user}:rooms"


def presence(user: str) -> str:
    """String: the open streams of a user, as JSON."""
    return f"user:{user}:presence"


def presences(partition: int) -> str:
    """String: there, as long as nothing of a partition's presence was lost."""
    return f"presence:{partition}"


def away(user: str) -> str:
    """String: there while a user says to be away."""
    return f"user:{user}:away"


def alive(edge: str) -> str:
    """String: there while an edge lives."""
    return f"edge:{edge}:alive"


def user(name: str) -> str:
    """Channel: what concerns one person alone."""
    return f"user:{name}"


def edge(name: str) -> str:
    """Channel: answers to the commands that an edge wrote."""
    return f"edge:{name}"
