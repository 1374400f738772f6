"""Client ids of an agent's commands: they follow from the cause, so a repetition has one effect.

    agent:karma:1:q2Jc0mYfP4sXw9bQ1rTz

The name is the agent's. The number counts the agents in the chain of causes: an agent that answers
a person has 1, an agent that answers that answer has 2. The rest is a digest of the cause. Edges
refuse ids of this form, so an event that has one was caused by an agent.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from hashlib import blake2b
from typing import Final, NamedTuple

#: What every such id begins with.
PREFIX: Final = "agent:"

#: An agent's name, which is part of topics, consumer groups and client ids.
NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,23}")

#: The longest chain of agents that answer each other. Chains of people's making (a bridge that
#: tells a bot that tells a log) have two or three.
MOST_HOPS: Final = 5

#: 120 bits: two causes of one agent have the same digest with a chance of 1 to 10^24.
_DIGEST_BYTES: Final = 15

_ID: Final = re.compile(rf"{PREFIX}({NAME.pattern}):([0-9]):[A-Za-z0-9_-]{{20}}")


class Author(NamedTuple):
    """The agent that an event follows from, and how many agents are in its chain of causes."""

    agent: str
    hops: int


def client_id(agent: str, hops: int, *cause: object) -> str:
    """The client id of a command that follows from a cause; at most 55 characters.

    Raises `ValueError` where the chain of agents is longer than `MOST_HOPS`.
    """
    if hops > MOST_HOPS:
        raise ValueError(f"agents answer each other in a chain longer than {MOST_HOPS}")
    digest = blake2b(repr(cause).encode(), digest_size=_DIGEST_BYTES).digest()
    return f"{PREFIX}{agent}:{hops}:{urlsafe_b64encode(digest).decode()}"


def author(client_id: str) -> Author | None:
    """The agent that a command or event of this client id follows from; `None`: a person."""
    if not client_id.startswith(PREFIX):
        return None
    found = _ID.fullmatch(client_id)
    return None if found is None else Author(found[1], int(found[2]))
