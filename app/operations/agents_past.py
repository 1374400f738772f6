"""`parley agents replay`, `diff` and `rollback`: agents and the past."""

from __future__ import annotations

import asyncio
import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from app.agentkit.agent_files import find_agent
from app.agentkit.agent_states import read_states, set_state, state_of
from app.agentkit.declaration import Agent
from app.agentkit.past import Past, differences
from app.errors import AgentError, ParleyError
from app.events import AnyCommand, SendMessage
from app.operations.agents_replay import ends, replay, run_past, starts
from app.operations.progress_line import ProgressLine
from app.settings import Settings

#: Differences that are printed; all are counted.
_LISTED = 50


class Since(click.ParamType):
    """A date and time, in UTC unless it says otherwise, in milliseconds since 1970."""

    name = "date"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """The milliseconds."""
        if isinstance(value, int):
            return value
        try:
            when = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date, such as 2026-01-31 or 2026-01-31T09:00", param, ctx)
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return round(when.timestamp() * 1000)


def begin_of(since: int | None, *, from_start: bool) -> int:
    """The time from which on the past is read; raises `UsageError` where it is not clear."""
    if (since is None) != from_start:
        raise click.UsageError("say --from DATE or --from-start")
    return since or 0


def replay_command(agent: Agent[Any], since: int, **options: bool) -> None:
    """Run the replay and say what it was."""
    past = asyncio.run(replay(Settings.read(), agent, since, **options))
    click.echo(_summary(past))


def _summary(past: Past) -> str:
    said = [one for one in past.commands.values() if isinstance(one, SendMessage)]
    lines = [f"  {one.room}: {_shown(one)}" for one in said[-10:]]
    values = sum(map(len, past.tables().values()))
    failed = [f"  {one.occasion.room}: {one.reason}" for one in past.failures[:10]]
    head = (
        f"{past.events} events: {len(past.commands)} commands, {values} values in its table,"
        f" {len(past.failures)} events failed"
    )
    return "\n".join([head, *(["the last that it says:", *lines] if lines else []), *failed])


async def _both(old: Past, new: Past, since: int) -> None:
    settings = Settings.read()
    begin = await starts(settings, old.agent, since)
    begin = {**begin, **await starts(settings, new.agent, since)}
    end = {**await ends(settings, old.agent), **await ends(settings, new.agent)}
    for past in (old, new):
        total = sum(end[one] - begin[one] for one in begin)
        progress = ProgressLine(past.agent.where, total)
        await run_past(settings, past, begin, end, progress)
        progress.clear()


def compare(old_file: Path, new_file: Path, since: int, *, calls: bool) -> dict[str, Any]:
    """What two versions of an agent do differently over the same past."""
    olds, news = find_agent(old_file), find_agent(new_file)
    if olds.name != news.name:
        raise AgentError(f"{new_file}: its agent is {news.name}, that of {old_file} {olds.name}")
    old, new = Past(olds, calls=calls), Past(news, calls=calls)
    asyncio.run(_both(old, new, since))
    no_more = [one for key, one in old.commands.items() if key not in new.commands]
    only_new = [one for key, one in new.commands.items() if key not in old.commands]
    changed = [
        (one, new.commands[key])
        for key, one in old.commands.items()
        if key in new.commands and _shown(one) != _shown(new.commands[key])
    ]
    return {
        "events": new.events,
        "same": len(old.commands) - len(no_more) - len(changed),
        "no_more": [_told(one) for one in no_more],
        "new": [_told(one) for one in only_new],
        "changed": [{**_told(a), "then": _shown(b)} for a, b in changed],
        "tables": [
            {"room": room, "key": key, "old": before, "new": after}
            for room, key, before, after in differences(old.tables(), new.tables())
        ],
        "failures": {"old": len(old.failures), "new": len(new.failures)},
    }


def print_comparison(found: dict[str, Any], *, json: bool) -> None:
    """Print a comparison for people, or as JSON."""
    if json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    click.echo(
        f"{found['events']} events: {found['same']} answers are the same, {len(found['changed'])}"
        f" differ, {len(found['no_more'])} come no more, {len(found['new'])} are new;"
        f" {len(found['tables'])} values differ; failures {found['failures']['old']} and"
        f" {found['failures']['new']}"
    )
    lines = [f"~ {one['room']}: {one['text']} → {one['then']}" for one in found["changed"]]
    lines += [f"- {one['room']}: {one['text']}" for one in found["no_more"]]
    lines += [f"+ {one['room']}: {one['text']}" for one in found["new"]]
    lines += [
        f"= {one['room']}/{one['key']}: {one['old']} → {one['new']}" for one in found["tables"]
    ]
    for line in lines[:_LISTED]:
        click.echo(line)
    if len(lines) > _LISTED:
        click.echo(f"and {len(lines) - _LISTED} more: --json has all")


def rollback(name: str) -> None:
    """Go on with the table before the last replay."""
    click.echo(asyncio.run(_rollback(Settings.read(), name)))


async def _rollback(settings: Settings, name: str) -> str:
    known = state_of(await read_states(settings), name)
    if known.revision < 2:
        raise ParleyError(f"{name} has its first table: there is none before it")
    by, revision = getpass.getuser(), known.revision - 1
    await set_state(settings, name, by, paused=known.paused, why=known.why, revision=revision)
    return f"{name} goes on with its revision {revision}, from where that one was left"


def _told(command: AnyCommand) -> dict[str, Any]:
    return {"room": command.room, "text": _shown(command)}


def _shown(command: AnyCommand) -> str:
    fields = {
        name: getattr(command, name)
        for name in command.__struct_fields__
        if name not in ("room", "by", "id", "client_id", "edge")
    }
    kind = str(command.__struct_config__.tag)
    return f"{kind} {' '.join(f'{k}={v!r}' for k, v in fields.items() if v)}"
