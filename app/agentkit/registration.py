"""The consumer group of an agent: its name, its topics, its table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from app.agentkit.declaration import Agent
from app.agentkit.stage import Stage
from app.stream.consumer_groups import ParleyApp, group
from app.stream.groups import KIT_PREFIX, Group
from app.stream.table import Table
from app.topics import LOG, VERDICTS, retry_topic

#: The name of an agent's table, which is part of its changelog's.
TABLE: Final = "state"


def agent_group(agent: Agent[Any], revision: int = 1) -> Group:
    """The consumer group of an agent; each revision of its table has one of its own."""
    from_now = agent.start == "now" and revision == 1
    return Group(group_name(agent.name, revision), strict=True, from_now=from_now)


def group_name(agent: str, revision: int = 1) -> str:
    """The name of an agent's group, without `parley-`."""
    return f"{KIT_PREFIX}{agent}" if revision == 1 else f"{KIT_PREFIX}{agent}-{revision}"


def register(
    agent: Agent[Any], revision: int = 1, pause: Callable[[str], None] = lambda _: None
) -> ParleyApp:
    """Declare the agent's group within the context of this worker.

    `pause` is called with the reason when the agent is to be paused.
    """
    app = group(agent_group(agent, revision))
    table: Table[bytes] = Table(app, TABLE, bytes)
    again = app.context.retry_topics.setdefault(app.conf.id, retry_topic(app.conf.id))
    names = [*(sorted(agent.topics() - {VERDICTS}) or [LOG]), VERDICTS, again.name]

    async def run(stream: Any) -> None:
        """Handle the events of the agent's topics."""
        await Stage(agent, app, table, pause).run(stream)

    topic = app.topic(*names, key_type=bytes, value_type=bytes)
    app.agent(topic, name=agent.name)(run)
    return app
