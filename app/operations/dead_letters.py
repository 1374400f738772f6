"""`parley dead`: lists the records of `chat.dead`, sends them again, or drops them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self

import click
import msgspec
from aiokafka import AIOKafkaProducer

from app.domain.dead_letter_retry import retry_record
from app.errors import Malformed, ParleyError
from app.events import Dead, decode_dead
from app.kafka.admin import connected, partition_counts
from app.kafka.partition_reader import PartitionReader
from app.runtime.clock import iso_of
from app.settings import Settings
from app.topics import DEAD, DEAD_BYTES


@dataclass(frozen=True)
class DeadLetter:
    """A dead record with its place in `chat.dead`, and its time in milliseconds."""

    dead: Dead
    partition: int
    key: bytes
    at_ms: int


class DeadLetters:
    """The records of `chat.dead`. `async with DeadLetters(settings) as letters: …`"""

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
                    if letter := _letter_of(record):
                        found[record.key] = letter
        return sorted(found.values(), key=lambda letter: letter.at_ms)

    async def send_again(self, letters: Iterable[DeadLetter]) -> list[str]:
        """Send each once more and remove it; the reasons for those that can't be sent.

        A crash in between sends one twice: client ids make that harmless.
        """
        async with connected(self._settings, within=15.0) as admin:
            inboxes = frozenset(await partition_counts(admin))
        unsent: list[str] = []
        for letter in letters:
            try:
                retry = retry_record(letter.dead, inboxes)
            except ParleyError as error:
                unsent.append(str(error))
                continue
            await self._producer.send_and_wait(
                retry.topic, retry.value, key=retry.key, partition=retry.partition
            )
            await self.drop([letter])
        return unsent

    async def drop(self, letters: Iterable[DeadLetter]) -> None:
        """Remove each."""
        for letter in letters:
            await self._producer.send_and_wait(
                DEAD, None, key=letter.key, partition=letter.partition
            )


def _letter_of(record: Any) -> DeadLetter | None:
    if record.value is None:
        return None
    try:
        dead = decode_dead(record.value)
    except Malformed as error:  # not written by Parley; shown as it is
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
