"""`parley dead`: lists the records of `chat.dead`, sends them again, or drops them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import click
import msgspec
from aiokafka import AIOKafkaProducer

from app.domain.dead_letter_retry import retry_record
from app.errors import Malformed, ParleyError
from app.events import Dead, decode_dead
from app.kafka.admin import connected, partition_counts
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import DEAD, DEAD_BYTES


@dataclass(frozen=True)
class DeadLetter:
    """A dead record, where `chat.dead` has it, and since when, in milliseconds."""

    dead: Dead
    partition: int
    key: bytes
    at_ms: int


class DeadLetters:
    """The dead records of a cluster. `async with DeadLetters(settings) as burials: …`"""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer = AIOKafkaProducer(
            bootstrap_servers=settings.bootstrap,
            acks="all",
            enable_idempotence=True,
            max_request_size=DEAD_BYTES,
        )

    async def __aenter__(self) -> Self:
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def all(self) -> list[DeadLetter]:
        """Those that were neither sent again nor dropped, the oldest first."""
        found: dict[bytes, DeadLetter] = {}
        async with PartitionReader(self._settings) as reader:
            for partition in range(self._settings.partitions):
                async for record in reader.read(DEAD, partition, 0):
                    found.pop(record.key, None)
                    if burial := _burial(record):
                        found[record.key] = burial
        return sorted(found.values(), key=lambda burial: burial.at_ms)

    async def send_again(self, burials: Iterable[DeadLetter]) -> list[str]:
        """Have each dealt with once more, and take it out; why that can't be, where it can't.

        A crash in between sends one twice, which is what the client ids are for.
        """
        async with connected(self._settings, within=15.0) as admin:
            inboxes = frozenset(await partition_counts(admin))
        unsent: list[str] = []
        for burial in burials:
            try:
                letter = retry_record(burial.dead, inboxes)
            except ParleyError as error:
                unsent.append(str(error))
                continue
            await self._producer.send_and_wait(
                letter.topic, letter.value, key=letter.key, partition=letter.partition
            )
            await self.drop([burial])
        return unsent

    async def drop(self, burials: Iterable[DeadLetter]) -> None:
        """Take each out for good."""
        for burial in burials:
            await self._producer.send_and_wait(
                DEAD, None, key=burial.key, partition=burial.partition
            )


def _burial(record: Any) -> DeadLetter | None:
    if record.value is None:
        return None
    try:
        dead = decode_dead(record.value)
    except Malformed as error:  # somebody else's writing; shown as what it is
        dead = Dead(
            topic=DEAD,
            partition=record.partition,
            offset=record.offset,
            group="-",
            reason=str(error),
            value=record.value,
        )
    return DeadLetter(dead, record.partition, record.key, record.timestamp)


@click.group(name="dead")
def command() -> None:
    """Look at records that could not be used, send them again, or drop them.

    A record is named as `list` names it: topic/partition/offset@group, where it stood and whose
    agent could not use it. One that nobody touches is kept for 30 days.
    """


@command.command(name="list")
@click.option("--topic", default="", help="Those that stood in this topic alone.")
@click.option("--group", default="", help="Those that this consumer group buried alone.")
def list_(topic: str, group: str) -> None:
    """A line for each: since when, its name, and the reason."""

    async def run(burials: DeadLetters) -> list[DeadLetter]:
        return [
            burial
            for burial in await burials.all()
            if topic in ("", burial.dead.topic) and group in ("", burial.dead.group)
        ]

    found = _with(run)
    for burial in found:
        click.echo(f"{_when(burial)}  {burial.dead.place}  {burial.dead.reason}")
    click.echo(f"{len(found)} dead {'record' if len(found) == 1 else 'records'}")


@command.command()
@click.argument("name")
def show(name: str) -> None:
    """Everything about one, its value included."""
    [burial] = _with(lambda burials: _chosen(burials, (name,), everything=False))
    dead = burial.dead
    for title, value in (
        ("topic", dead.topic),
        ("partition", dead.partition),
        ("offset", dead.offset),
        ("group", dead.group),
        ("buried", _when(burial)),
        ("reason", dead.reason),
        ("key", dead.key.decode("utf-8", "backslashreplace")),
    ):
        click.echo(f"{title + ':':<10} {value}")
    click.echo(_readable(dead.value))


@command.command(name="send-again")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that `list` shows.")
def send_again(names: tuple[str, ...], everything: bool) -> None:
    """Have each dealt with once more, once the reason is mended.

    A command takes its way from the start, and is in its room once however often it is sent. An
    event of chat.log goes to the group alone that failed on it, where that has an inbox.
    """

    async def run(burials: DeadLetters) -> tuple[int, list[str]]:
        chosen = await _chosen(burials, names, everything=everything)
        unsent = await burials.send_again(chosen)
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
    """Give each up for good."""

    async def run(burials: DeadLetters) -> int:
        chosen = await _chosen(burials, names, everything=everything)
        await burials.drop(chosen)
        return len(chosen)

    click.echo(f"{_with(run)} dropped")


def _with(run: Callable[[DeadLetters], Awaitable[Any]]) -> Any:
    async def opened() -> Any:
        async with DeadLetters(Settings.read()) as burials:
            return await run(burials)

    return asyncio.run(opened())


async def _chosen(
    burials: DeadLetters, names: tuple[str, ...], *, everything: bool
) -> list[DeadLetter]:
    if bool(names) == everything:
        raise click.UsageError("name the records, or say --all")
    found = {burial.dead.place: burial for burial in await burials.all()}
    if unknown := [name for name in names if name not in found]:
        raise ParleyError(f"no dead record is named {', '.join(unknown)}; see `parley dead list`")
    return list(found.values()) if everything else [found[name] for name in names]


def _when(burial: DeadLetter) -> str:
    return datetime.fromtimestamp(burial.at_ms / 1000, UTC).isoformat(timespec="seconds")


def _readable(value: bytes) -> str:
    try:
        return msgspec.json.format(value, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return value.decode("utf-8", "backslashreplace")
