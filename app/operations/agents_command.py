"""`parley agents`: agents of one's own - written, watched, paused, run again."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from app.agentkit.agent_files import AgentFile, agent_files, find_agent
from app.agentkit.agent_states import read_states, set_state, state_of
from app.agentkit.registration import group_name
from app.errors import AgentError, ParleyError
from app.events import AgentState
from app.kafka.admin import connected
from app.kafka.group_lag import Lag, lag_of
from app.kafka.group_members import groups_with_members, members_of
from app.operations import agents_past
from app.operations.agent_template import write_agent
from app.operations.agents_dev import run_dev
from app.settings import Settings
from app.stream.groups import Group

_SECONDS = 10.0


@click.group(name="agents")
def command() -> None:
    """Write agents of your own, see how they do, pause them.

    PARLEY_AGENTS names the folder of their files. docs/agents.md is a tutorial.
    """


@command.command()
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write it (PARLEY_AGENTS, or my_agents).",
)
def new(name: str, folder: Path | None) -> None:
    """Write an agent NAME and its test."""
    where = folder or Path(Settings.read().agents or "my_agents")
    for path in write_agent(where, name):
        click.echo(f"wrote {path}")
    click.echo(f"\ntest it:  python -m pytest {where}/tests")
    click.echo(f"run it:   PARLEY_AGENTS={where} parley up")


@command.command(name="list")
def list_() -> None:
    """A line for each agent: its state, and how far it is behind."""
    settings = Settings.read()
    files = agent_files(settings.agents)
    if not files and not settings.agents:
        raise ParleyError("set PARLEY_AGENTS to the folder of your agents")
    lines = asyncio.run(_lines(settings, files))
    for line in lines:
        click.echo(line)
    for file in files:
        if file.mistake:
            click.echo(f"can't run: {file.mistake}")


@command.command()
@click.argument("name")
def lag(name: str) -> None:
    """How far the agent NAME is behind, by partition."""
    settings = Settings.read()
    known = _known(settings, name)
    for one in asyncio.run(_lag(settings, known, name)):
        behind = f"{one.records} behind, {one.seconds:.0f} s" if one.records else "at the end"
        click.echo(f"{one.topic}/{one.partition}: at {one.offset} of {one.end}, {behind}")


@command.command()
@click.argument("name")
@click.option("--why", default="", help="The reason, which `list` shows.")
def pause(name: str, why: str) -> None:
    """Stop the agent NAME in every worker; its events wait."""
    settings = Settings.read()
    _known(settings, name)
    asyncio.run(_set(settings, name, paused=True, why=why))
    click.echo(f"{name} is paused")


@command.command()
@click.argument("name")
def resume(name: str) -> None:
    """Let the agent NAME go on where it was paused."""
    settings = Settings.read()
    _known(settings, name)
    asyncio.run(_set(settings, name, paused=False))
    click.echo(f"{name} goes on")


_FROM = (
    click.option("--from", "since", type=agents_past.Since(), help="Begin at this date."),
    click.option("--from-start", is_flag=True, help="Begin with the oldest event."),
    click.option("--call", "calls", is_flag=True, help="Let it call services outside."),
)


def _from(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_FROM):
        function = option(function)
    return function


@command.command()
@click.argument("name")
@_from
@click.option("--send", is_flag=True, help="Send what it says, and amend what it said before.")
@click.option("--cut-over", is_flag=True, help="Go on with the table of the replay.")
def replay(name: str, since: int | None, from_start: bool, **options: bool) -> None:
    """Run the agent NAME over the past, with an empty table.

    Nothing is sent unless you say --send. With --cut-over the running agent stops for a moment and
    goes on with the new table, at the very event where the old one was left.
    """
    begin = agents_past.begin_of(since, from_start=from_start)
    agents_past.replay_command(
        find_agent(_known(Settings.read(), name).path, name), begin, **options
    )


@command.command()
@click.argument("old", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("new", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_from
@click.option("--json", is_flag=True, help="Everything, as JSON.")
def diff(
    old: Path, new: Path, since: int | None, from_start: bool, calls: bool, json: bool
) -> None:
    """What the file NEW would answer, over the past, that the file OLD does not."""
    begin = agents_past.begin_of(since, from_start=from_start)
    agents_past.print_comparison(agents_past.compare(old, new, begin, calls=calls), json=json)


@command.command()
@click.argument("name")
def rollback(name: str) -> None:
    """Let the agent NAME go on with its table before the last cut-over."""
    _known(Settings.read(), name)
    agents_past.rollback(name)


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def dev(file: Path) -> None:
    """Run the agent of FILE, again whenever it is saved, and show what it gets and does."""
    asyncio.run(run_dev(Settings.read(), file))


def _known(settings: Settings, name: str) -> AgentFile:
    files = agent_files(settings.agents)
    for file in files:
        if name in file.agents:
            return file
        if file.mistake and file.path.stem == name:
            raise AgentError(file.mistake)
    known = ", ".join(name for file in files for name in file.agents) or "none"
    raise ParleyError(f"PARLEY_AGENTS has no agent {name}; it has {known}")


async def _set(settings: Settings, name: str, *, paused: bool, why: str = "") -> None:
    revision = state_of(await read_states(settings), name).revision
    by = getpass.getuser()
    await set_state(settings, name, by, paused=paused, why=why, revision=revision)


async def _lines(settings: Settings, files: list[AgentFile]) -> list[str]:
    states = await read_states(settings)
    lines: list[str] = []
    for file in files:
        for name, line in file.agents.items():
            state = state_of(states, name)
            told = await _state(settings, state)
            try:
                behind = _behind(await _lag(settings, file, name, state.revision))
            except AgentError as error:
                lines.append(f"can't run: {error}")
                continue
            lines.append(f"{name:<24} {told:<28} {behind:<24} {file.path}:{line}")
    return lines


async def _state(settings: Settings, state: AgentState) -> str:
    if state.paused:
        return f"paused by {state.by}" + (f": {state.why}" if state.why else "")
    group = Group(group_name(state.name, state.revision)).id
    members = await members_of(settings, group, _SECONDS)
    if members is None:
        async with connected(settings, _SECONDS) as admin:
            return "joining" if await groups_with_members(admin, [group]) else "no process"
    count = len(members.ids)
    return f"running in {count} process{'es' if count > 1 else ''}"


async def _lag(settings: Settings, file: AgentFile, name: str, revision: int = 1) -> list[Lag]:
    topics = find_agent(file.path, name).topics()
    return await lag_of(settings, Group(group_name(name, revision)).id, topics)


def _behind(found: list[Lag]) -> str:
    records, seconds = sum(one.records for one in found), max((o.seconds for o in found), default=0)
    return f"{records} behind, {seconds:.0f} s" if records else "up to date"
