"""Lookups of an edge in Valkey, pipelined for thousands of connecting readers."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final, NamedTuple

from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.connection import Part
from app.delivery.epoch_gate import EpochGate
from app.delivery.pipelined_client import PipelinedClient
from app.delivery.refusals import refusal
from app.errors import Unreachable

#: In the place of a position: the view is being refilled.
REFILLED: Final = -2


class Memberships(NamedTuple):
    """The rooms of some users, and the partitions whose view is being refilled.

    In those no room can be read yet, and no event of theirs tells more than the memberships do.
    """

    rooms: list[dict[str, int]]
    refilled: frozenset[int]


class Lookups:
    """The rooms of users, and the position of the view. Raises `Unreachable`."""

    def __init__(self, redis: aioredis.Redis, gate: EpochGate | None = None) -> None:
        self._gate = gate or EpochGate()
        self._client = PipelinedClient(redis)
        self._mark = files("app.delivery").joinpath("mark.lua").read_text()

    async def rooms_of_all(self, users: Sequence[str], partitions: int) -> Memberships | None:
        """The rooms of each user, with the `n` of joining.

        `None` while memberships are being restored: the users may have more rooms. Also where the
        view is of an earlier epoch of the log.
        """
        if not self._gate.open:
            return None
        whole = [keys.whole(partition) for partition in range(partitions)]
        restored = [keys.memberships(partition) for partition in range(partitions)]
        commands = [("HGETALL", keys.rooms_of(user)) for user in users]
        replies = await self._ask([("MULTI",), ("MGET", *whole, *restored), *commands, ("EXEC",)])
        signs, *found = replies[-1]
        refilled = frozenset(place for place in range(partitions) if signs[place] is None)
        if any(signs[partitions + place] is None for place in refilled):
            return None
        return Memberships([_joined(one) for one in found], refilled)

    async def positions(self, partitions: int) -> list[int]:
        """The log offset up to which the view stands, for each partition.

        -1 where the log is empty, and `REFILLED` while the view is being refilled.
        """
        if not self._gate.open:
            return [REFILLED] * partitions
        commands = [("MGET", keys.position(p), keys.whole(p)) for p in range(partitions)]
        found = await self._ask(commands)
        return [int(position or -1) if whole else REFILLED for position, whole in found]

    async def epochs(self, partitions: int) -> list[int]:
        """The epoch of the log that the view is of, for each partition."""
        found = await self._ask([("GET", keys.epoch(place)) for place in range(partitions)])
        return [int(epoch or 0) for epoch in found]

    async def erasures(self) -> int:
        """How many erasures edges were told of (app/delivery/erasures.py)."""
        return int((await self._ask([("GET", keys.erasures())]))[0] or 0)

    async def mark(self, partition: int, rooms: Sequence[str], edge: str, token: int) -> None:
        """Publish a marker to the edge, with the heads of the rooms (mark.lua)."""
        heads = keys.room(partition, "")
        signs = (keys.position(partition), keys.whole(partition))
        names = [*signs, *[heads + room for room in rooms]]
        channel = keys.marks(partition, edge)
        await self._ask([("EVAL", self._mark, len(names), *names, channel, token)])

    def close(self) -> None:
        """Close the connection; the next lookup makes another."""
        self._client.close()

    async def _ask(self, commands: Sequence[tuple[Part, ...]]) -> list[Any]:
        replies = await self._client.execute(commands)
        for reply in replies:
            if isinstance(reply, Exception):
                if (refused := refusal(str(reply))) is not None:
                    self.close()  # another server may be behind the address by now
                    raise refused
                raise Unreachable(f"Valkey: {reply}")
        return replies


def _joined(found: list[bytes]) -> dict[str, int]:
    pairs = zip(found[::2], found[1::2], strict=True)
    return {room.decode(): int(n) for room, n in pairs if not n.startswith(b"-")}
