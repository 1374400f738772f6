"""The test kit for agents of your own.

    from parley.testing import play

`play` runs an agent without Kafka, and once more with every event doubled and with crashes.
`real_chat` runs a whole chat with the agent in it.
"""

from __future__ import annotations

from app.agentkit.agent_files import find_agent as load
from app.agentkit.play import BEGIN, Differs, Played, play
from app.local.real_chat import RealChat, real_chat

__all__ = ["BEGIN", "Differs", "Played", "RealChat", "load", "play", "real_chat"]
