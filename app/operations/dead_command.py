"""`parley dead`: lists the records of `chat.dead`, sends them again, or drops them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import click
import msgspec

from app.dead_letters.letters import DeadLetter, DeadLetters
from app.errors import ParleyError
from app.runtime.clock import iso_of
from app.settings import Settings


@click.group(name="dead")
def command() -> None:
    """List records that could not be processed, send them again, or drop them.

    A record's name is topic/partition/offset@group, as `list` shows it: where it was, and the group
    whose agent could not process it. Records are kept for 30 days.
    """


@command.command(name="list")
@click.option("--topic", default="", help="Only records of this topic.")
@click.option("--group", default="", help="Only records of this consumer group.")
def list_(topic: str, group: str) -> None:
    """A line for each: its time, its name, and the reason."""

    async def run(letters: DeadLetters) -> list[DeadLetter]:
        return [
            letter
            for letter in await letters.all()
            if topic in ("", letter.dead.topic) and group in ("", letter.dead.group)
        ]

    found = _with(run)
    for letter in found:
        click.echo(f"{_when(letter)}  {letter.dead.place}  {letter.dead.reason}")
    click.echo(f"{len(found)} dead {'record' if len(found) == 1 else 'records'}")


@command.command()
@click.argument("name")
def show(name: str) -> None:
    """One record with everything about it, its value included."""
    [letter] = _with(lambda letters: _chosen(letters, (name,), everything=False))
    dead = letter.dead
    for title, value in (
        ("topic", dead.topic),
        ("partition", dead.partition),
        ("offset", dead.offset),
        ("group", dead.group),
        ("since", _when(letter)),
        ("reason", dead.reason),
        ("key", dead.key.decode("utf-8", "backslashreplace")),
    ):
        click.echo(f"{title + ':':<10} {value}")
    click.echo(_readable(dead.value))


@command.command(name="send-again")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that `list` shows.")
def send_again(names: tuple[str, ...], everything: bool) -> None:
    """Send each once more, after its reason was fixed.

    A command goes through the pipeline from the start, and takes effect once however often it is
    sent. An event of chat.log goes only to the group that failed on it, if that has an inbox.
    """

    async def run(letters: DeadLetters) -> tuple[int, list[str]]:
        chosen = await _chosen(letters, names, everything=everything)
        unsent = await letters.send_again(chosen)
        return len(chosen) - len(unsent), unsent

    sent, unsent = _with(run)
    for reason in unsent:
        click.echo(reason)
    click.echo(f"{sent} sent again")
    if unsent:
        raise SystemExit(1)


@command.command()
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that `list` shows.")
def drop(names: tuple[str, ...], everything: bool) -> None:
    """Remove each."""

    async def run(letters: DeadLetters) -> int:
        chosen = await _chosen(letters, names, everything=everything)
        await letters.drop(chosen)
        return len(chosen)

    click.echo(f"{_with(run)} dropped")


def _with(run: Callable[[DeadLetters], Awaitable[Any]]) -> Any:
    async def opened() -> Any:
        async with DeadLetters(Settings.read()) as letters:
            return await run(letters)

    return asyncio.run(opened())


async def _chosen(
    letters: DeadLetters, names: tuple[str, ...], *, everything: bool
) -> list[DeadLetter]:
    if bool(names) == everything:
        raise click.UsageError("name the records, or say --all")
    found = {letter.dead.place: letter for letter in await letters.all()}
    if unknown := [name for name in names if name not in found]:
        raise ParleyError(f"no dead record is named {', '.join(unknown)}; see `parley dead list`")
    return list(found.values()) if everything else [found[name] for name in names]


def _when(letter: DeadLetter) -> str:
    return iso_of(letter.at_ms)


def _readable(value: bytes) -> str:
    try:
        return msgspec.json.format(value, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return value.decode("utf-8", "backslashreplace")
