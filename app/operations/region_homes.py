"""Moving homes between regions, and taking over those of a lost one.

A command writes what a person wants into the `chat.deployment` of the region that is to act. The
worker that has the partition does it, and this waits until it is done.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from app.deployment.topic import begin, read_deployment
from app.domain.deployment import Deployment
from app.domain.homes import order
from app.errors import ParleyError, Unreachable
from app.events import EpochBegun, HomeWanted
from app.kafka.admin import connected
from app.kafka.partition_reader import PartitionReader
from app.mirror.regions import settings_of
from app.operations.region_status import region_status
from app.runtime.clock import now_ms
from app.settings import Settings

#: Seconds for a region's Kafka to answer: this one's own, and one that may be lost.
_SECONDS: Final = 5.0
_ALIVE_SECONDS: Final = 3.0

#: Seconds for workers to do it, and between two looks.
_WITHIN: Final = 30.0
_PAUSE: Final = 0.05

#: Seconds that the next home may be behind: it has to get all before it goes on.
_MOST_BEHIND: Final = 5.0

Say = Callable[[str], None]


class Change(NamedTuple):
    """A partition that has got another home."""

    partition: int
    before: str
    after: str


def partitions_of(text: str, count: int) -> list[int]:
    """The partitions of a text such as `0,3-5` or `all`; raises `ParleyError` for another one."""
    found: set[int] = set()
    for part in text.split(","):
        if part == "all":
            return list(range(count))
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ParleyError(f"{text!r} names no partitions: 0,3-5 or all, of 0 to {count - 1}")
        found |= set(range(int(first), int(last or first) + 1))
    if not found or max(found) >= count:
        raise ParleyError(f"there are {count} partitions, 0 to {count - 1}: {text!r}")
    return sorted(found)


async def move(settings: Settings, partitions: Sequence[int], to: str, say: Say) -> list[Change]:
    """Move homes to the region `to`, and return when it has taken them.

    Raises `ParleyError` where a region does not answer or is too far behind, and where no worker
    does it in time.
    """
    _require(settings, to)
    target = settings if to == settings.region else settings_of(settings, to)
    known = await _deployment_of(settings)
    wishes: dict[str, list[HomeWanted]] = {}
    for partition in partitions:
        home = known.home(partition, settings.region)
        if home == to:
            say(f"partition {partition} is at home in {to} already")
            continue
        epoch, term = order(known.changes.get(partition))
        wish = HomeWanted(partition=partition, to=to, epoch=epoch, term=term, at_ms=now_ms())
        wishes.setdefault(home, []).append(wish)
    if not wishes:
        return []
    await _require_near(target, wishes)
    for home, wanted in wishes.items():
        source = settings if home == settings.region else settings_of(settings, home)
        await begin(source, *wanted)
    changes = [Change(wish.partition, home, to) for home, ones in wishes.items() for wish in ones]
    left = await _wait(target, changes, to, say)
    if left:
        for home, wanted in wishes.items():
            source = settings if home == settings.region else settings_of(settings, home)
            await begin(source, *(_given_up(one, home) for one in wanted if one.partition in left))
        raise ParleyError(
            f"after {_WITHIN:.0f} s {to} is not the home of {_listed(left)}: is a worker running in"
            f" {', '.join(wishes)} and in {to}, and `parley mirror` in both? Homes that were not"
            " left yet stay"
        )
    return changes


async def failover(settings: Settings, lost: str, say: Say, *, force: bool) -> list[Change]:
    """Make this region the home of all partitions at home in the region `lost`.

    Raises `ParleyError` where that one answers, unless forced, and where no worker does it in time.
    """
    _require(settings, lost)
    if lost == settings.region:
        raise ParleyError(f"this is the region {lost}: run it in the one that is to take over")
    known = await _deployment_of(settings)
    places = range(settings.partitions)
    theirs = [one for one in places if known.home(one, settings.region) == lost]
    if not theirs:
        say(f"no partition is at home in {lost}")
        return []
    if await _answers(settings_of(settings, lost)):
        if not force:
            raise ParleyError(
                f"the region {lost} is alive: its Kafka answers at {settings.region_brokers[lost]}."
                f" Move its homes, `parley regions move {_listed(theirs, ',')} --to"
                f" {settings.region}`, or take over with --force"
            )
        say(f"{lost} answers: what it takes until it hears of this becomes its tail")
    wishes = []
    for partition in theirs:
        epoch, term = order(known.changes.get(partition))
        wishes.append(
            HomeWanted(
                partition=partition,
                to=settings.region,
                epoch=epoch,
                term=term,
                at_ms=now_ms(),
                lost=lost,
            )
        )
    await begin(settings, *wishes)
    changes = [Change(partition, lost, settings.region) for partition in theirs]
    if left := await _wait(settings, changes, settings.region, say):
        raise ParleyError(
            f"after {_WITHIN:.0f} s {settings.region} is not the home of {_listed(left)}: is a"
            " worker running here? It takes over as soon as it is"
        )
    return changes


async def _wait(settings: Settings, changes: Sequence[Change], to: str, say: Say) -> list[int]:
    """Wait until all partitions are at home in `to`; those that are not in the end."""
    started = time.monotonic()
    left = {one.partition: one for one in changes}
    async with PartitionReader(settings) as reader:
        while left and time.monotonic() < started + _WITHIN:
            now = await read_deployment(reader)
            for partition in [one for one in left if now.home(one, to) == to]:
                one = left.pop(partition)
                change = now.changes.get(partition)
                begun = isinstance(change, EpochBegun)
                how = f", epoch {change.epoch}" if begun and change is not None else ""
                start = "" if change is None else f", from pos {change.start} on"
                seconds = time.monotonic() - started
                say(f"partition {partition}: {one.before} → {to}{how}{start} ({seconds:.2f} s)")
            await asyncio.sleep(_PAUSE)
    return sorted(left)


async def _require_near(target: Settings, wishes: dict[str, list[HomeWanted]]) -> None:
    """Raise `ParleyError` where the next home lacks too much of a partition, or a home is away."""
    found = await region_status(target)
    for home, wanted in wishes.items():
        if home != target.region and (reason := found.unreachable.get(home)):
            raise ParleyError(f"the region {home} does not answer: {reason}")
        for wish in wanted:
            one = found.partitions[wish.partition]
            if one.seconds > _MOST_BEHIND:
                raise ParleyError(
                    f"{target.region} is {one.seconds:.0f} s behind {home} in partition"
                    f" {wish.partition}: its `parley mirror` has to be running and to catch up"
                )


def _given_up(wish: HomeWanted, home: str) -> HomeWanted:
    """The wish that the home stays, which takes the place of another one."""
    return HomeWanted(
        partition=wish.partition, to=home, epoch=wish.epoch, term=wish.term, at_ms=now_ms()
    )


async def _answers(there: Settings) -> bool:
    try:
        async with connected(there, _ALIVE_SECONDS):
            return True
    except (Unreachable, OSError):
        return False


async def _deployment_of(settings: Settings) -> Deployment:
    async with connected(settings, _SECONDS):
        pass
    async with PartitionReader(settings) as reader:
        return await read_deployment(reader)


def _require(settings: Settings, region: str) -> None:
    if region not in settings.region_brokers:
        names = ", ".join(settings.region_brokers)
        raise ParleyError(f"there is no region {region!r} in PARLEY_REGIONS: {names}")


def _listed(partitions: Sequence[int], between: str = ", ") -> str:
    return between.join(str(one) for one in partitions)
