"""The process of agents: it ends in order when the state of one of them changes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from app.agentkit.agent_files import agent_files
from app.agentkit.agent_states import set_state
from app.deployment.preparation import prepare
from app.settings import Settings
from app.topics import TOPICS
from app.worker.agent_process import AgentProcess

AGENT = "from parley import Agent\n\n{name} = Agent('{name}', table=int)\n"


@pytest.mark.parametrize(("paused", "revision"), [(True, 1), (False, 2)])
async def test_a_state_that_changes_while_the_process_starts_ends_it(
    settings: Settings, tmp_path: Path, paused: bool, revision: int
) -> None:
    name = f"starting{revision}"
    (tmp_path / f"{name}.py").write_text(AGENT.format(name=name))
    await prepare(settings, TOPICS)
    ended = asyncio.Event()
    files = {name: file for file in agent_files(str(tmp_path)) for name in file.agents}
    # The limit would hold for the process of the tests.
    unlimited = replace(settings, agents_memory=2**20)
    process = AgentProcess(unlimited, files, ended.set)
    async with process.states():
        # Nothing of the worker runs yet.
        await set_state(settings, name, "ops", paused=paused, revision=revision)
        await asyncio.wait_for(ended.wait(), 30)
    assert process.restarts
