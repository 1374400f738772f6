"""Names of keys and channels in Valkey.

Names that belong to a partition of `chat.log` have it as their hash tag. So in a cluster one node
has all of them, and a subscriber gets the messages in the order of offsets. Names that belong to a
user are on the node of that user's name.
"""

from __future__ import annotations


def deployment() -> str:
    """String: the id of the deployment whose view this is."""
    return "deployment"


def of_partition(partition: int) -> str:
    """The pattern of all keys of a partition."""
    return f"{{p{partition}}}:*"


def room(partition: int, name: str) -> str:
    """Hash: the room's head (`n`, `seq`, `offset`), name, topic, settings and last message.

    `offset` is the `pos` of its newest event. The name is from a time when the two were the same.
    `low` and `extra` are there where the room's window has large events: its lowest `n`, and how
    many places they take besides their own.
    """
    return f"{{p{partition}}}:room:{name}"


def log(partition: int, name: str) -> str:
    """Hash: `n` → `pos event` of the room's newest events.

    Not a stream: when a message is deleted, its text must be removed here, too, and the entries of
    a stream can't be changed.
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
    """Hash: user → the user's `sanction.set`, which may have expired."""
    return f"{{p{partition}}}:sanctions:{name}"


def position(partition: int) -> str:
    """String: the `pos` of `chat.log` up to which this view stands."""
    return f"{{p{partition}}}:position"


def epoch(partition: int) -> str:
    """String: the epoch of `chat.log` from which this view is; absent in the first."""
    return f"{{p{partition}}}:epoch"


def whole(partition: int) -> str:
    """String: exists while this view lacks nothing but the log's newest events."""
    return f"{{p{partition}}}:whole"


def memberships(partition: int) -> str:
    """String: exists while the users' rooms lack none of this partition.

    A refill restores them before the events, and until then this view is not whole.
    """
    return f"{{p{partition}}}:memberships"


def filling(partition: int) -> str:
    """String: the token of the view's last refill; another one after the view lost anything."""
    return f"{{p{partition}}}:filling"


def receipts(partition: int) -> str:
    """String: exists while no read mark of the partition is lost."""
    return f"{{p{partition}}}:receipts"


def receipts_filling(partition: int) -> str:
    """String: exists while the partition's read marks are being restored."""
    return f"{{p{partition}}}:receipts:filling"


def receipts_position(partition: int) -> str:
    """String: the offset of `chat.receipts` up to which the read marks stand."""
    return f"{{p{partition}}}:receipts:position"


def receipts_epoch(partition: int) -> str:
    """String: the epoch of `chat.log` below which no read mark is taken; absent in the first.

    A mark of an earlier epoch may be the number of a message that is lost.
    """
    return f"{{p{partition}}}:receipts:epoch"


def channel(partition: int, name: str) -> str:
    """Channel: the room's events, and its transient states such as typing."""
    return f"{{p{partition}}}:live:{name}"


def marks(partition: int, edge: str) -> str:
    """Channel: the markers that an edge puts between the partition's events."""
    return f"{{p{partition}}}:mark:{edge}"


def rooms_of(user: str) -> str:
    """Hash: room → the `n` of joining; negative: of being removed."""
    return f"user:{user}:rooms"


def presence(partition: int, user: str) -> str:
    """String: the open streams of a user of the partition, as JSON."""
    return f"{{p{partition}}}:presence-of:{user}"


def former_presence(user: str) -> str:
    """String: what `presence` was called before it was with its partition."""
    return f"user:{user}:presence"


def presences(partition: int) -> str:
    """String: exists while no presence of the partition is lost."""
    return f"{{p{partition}}}:presences"


def presences_filling(partition: int) -> str:
    """String: exists while the partition's presence is being restored."""
    return f"{{p{partition}}}:presences:filling"


def presences_position(partition: int) -> str:
    """String: the offset of `chat.connections` up to which the presence stands."""
    return f"{{p{partition}}}:presences:position"


def away(user: str) -> str:
    """String: exists while a user has the status away."""
    return f"user:{user}:away"


def alive(edge: str) -> str:
    """String: what an edge counts, as JSON; exists while the edge is alive."""
    return f"edge:{edge}:alive"


def edges() -> str:
    """Sorted set: the edges that are alive, by the time in ms until which each counts."""
    return "edges"


def direct_claim(one: str, other: str) -> str:
    """Text, for a while: the id that the direct room of two users gets, the lesser name first."""
    return f"direct:{one}/{other}"


def erasures() -> str:
    """String and channel: how many erasures edges were told of, and each of them."""
    return "erasures"


def epochs() -> str:
    """Channel: the epoch of a partition whose view is made anew, before its events."""
    return "epochs"


def user(name: str) -> str:
    """Channel: events and states for one user alone."""
    return f"user:{name}"


def edge(name: str) -> str:
    """Channel: answers to the commands of an edge."""
    return f"edge:{name}"


def bucket(name: str) -> str:
    """String: the TAT of a rate limit's bucket, in microseconds of Valkey's clock."""
    return f"{{limits}}:{name}"


def limiting_edges() -> str:
    """Sorted set: the edges that share the rate limits, by the time until which each counts."""
    return "{limits}::edges"
