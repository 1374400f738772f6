"""The test kit for agents of your own.

    from parley.testing import play

`play` runs an agent without Kafka, and once more with every event doubled and with crashes.
"""

from __future__ import annotations

from app.agentkit.agent_files import find_agent as load
from app.agentkit.play import BEGIN, Differs, Played, play

__all__ = ["BEGIN", "Differs", "Played", "load", "play"]
