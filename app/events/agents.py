"""`chat.agents`: which agents of one's own run, and since when one does not."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import Natural, decoded


class AgentState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state of the agent `name`, as `by` has set it; the newest record counts.

    `paused` for the reason `why`. `revision` counts its tables: a replay makes another one.
    """

    name: str
    by: str
    at_ms: Natural
    paused: bool = False
    why: str = ""
    revision: Natural = 1


_states: Final[Decoder[AgentState]] = Decoder(AgentState)


def decode_agent_state(value: bytes | None) -> AgentState:
    """A `chat.agents` record; raises `Malformed` with the reason."""
    return decoded(_states, value)
