"""Two regions on this machine: each has a Kafka, a Valkey, a mirror, a worker and an edge."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple, cast
from uuid import uuid4

import aiohttp
from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from app.embedded.child import Child
from app.embedded.kafka import Kafka
from app.embedded.valkey import Valkey
from app.kafka.admin import connected
from app.kafka.group_commits import commit_offsets
from app.kafka.group_members import groups_with_members
from app.local.supervisor import ROOT
from app.settings import Settings
from app.stream.groups import PIPELINE
from app.topics import MODERATED, RAW
from tests.conftest import SECRET
from tests.faults.passage import FarKafka, Passage
from tests.support.chat import Chat, data_folder, until

NAMES = ("eu", "us")

Commits = dict[TopicPartition, OffsetAndMetadata]


class Region(NamedTuple):
    """The parts of a region."""

    chat: Chat
    kafka: Kafka
    valkey: Valkey
    mirror: Child
    #: The way to its Kafka from the other region.
    passage: Passage

    async def die(self) -> None:
        """Kill every process of the region; its disks stay."""
        parts = [*self.chat.edges, *self.chat.workers, self.mirror]
        for one in (*parts, self.valkey, self.kafka):
            one.kill()

    async def decided(self, partition: int) -> Commits:
        """Return what the deciding group has committed, once it has something of the partition."""

        async def found() -> Commits:
            async with connected(self.chat.settings, 30) as admin:
                known = await admin.list_consumer_group_offsets(PIPELINE.id)
            topics = {place.topic for place in known if place.partition == partition}
            return dict(known) if {RAW, MODERATED} <= topics else {}

        return cast("Commits", await until(found, within=30))

    async def come_back(self, commits: Commits | None = None) -> None:
        """Start the region again as it was; with these commits, as if later ones were lost."""
        await self.kafka.start()
        if commits:
            settings, group = self.chat.settings, PIPELINE.id

            async def has_no_members() -> bool:
                async with connected(settings, 30) as admin:
                    return not await groups_with_members(admin, [group])

            await until(has_no_members, within=60)
            await commit_offsets(settings, group, commits)
        await self.valkey.start()
        if not self.mirror.running:
            self.mirror.start()
        await until(self._works)

    def supervise(self) -> None:
        """Start what has ended by itself, as a supervisor does."""
        for one in (*self.chat.workers, *self.chat.edges):
            if not one.running:
                one.start()

    async def _works(self) -> bool:
        """Whether the region opens a room; an edge may end as it hears of an epoch."""
        self.supervise()
        url, body = f"{self.chat.url}/v1/rooms", {"room": uuid4().hex}
        try:
            async with (
                aiohttp.ClientSession(headers=self.chat.headers("warm")) as http,
                http.post(url, json=body, headers={"Prefer": "wait=5"}) as answer,
            ):
                return answer.status == 201
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def two_regions(base: Path, partitions: int = 4) -> AsyncIterator[dict[str, Region]]:
    """Regions `eu` and `us`, with a network between them; returns when each opens a room."""
    async with AsyncExitStack() as stack:
        servers = {name: await servers_of(stack, base, name) for name in NAMES}
        found = {name: region_of(stack, base, name, servers, partitions) for name in NAMES}
        await start(found.values())
        yield found


class Servers(NamedTuple):
    """What a region's processes are connected to."""

    kafka: FarKafka
    valkey: Valkey
    passage: Passage


async def servers_of(stack: AsyncExitStack, base: Path, name: str) -> Servers:
    """Start the servers of a region; they end with the stack."""
    passage = await stack.enter_async_context(Passage())
    kafka = await stack.enter_async_context(FarKafka(base / name / "kafka", passage))
    valkey = await stack.enter_async_context(Valkey(base / name / "valkey"))
    return Servers(kafka, valkey, passage)


def region_of(
    stack: AsyncExitStack,
    base: Path,
    name: str,
    servers: Mapping[str, Servers],
    partitions: int = 4,
) -> Region:
    """A region of a deployment whose regions are those of the servers, in their order."""
    kafka, valkey, passage = servers[name]
    # Each region reaches the others by the network, and its own Kafka directly.
    brokers = {n: kafka.url if n == name else one.kafka.far for n, one in servers.items()}
    settings = Settings(
        broker=kafka.url,
        redis=valkey.url,
        data=data_folder(base / name),
        secret=SECRET,
        partitions=partitions,
        region=name,
        regions=" ".join(f"{n}={broker}" for n, broker in brokers.items()),
    )
    chat = Chat(settings)
    mirror = _mirror(chat)
    stack.push_async_callback(chat.stop)
    stack.push_async_callback(mirror.stop, 20)
    return Region(chat, kafka, valkey, mirror, passage)


async def start(regions: Collection[Region]) -> None:
    """Start mirrors, workers and edges; returns when each region opens a room."""
    for region in regions:
        region.mirror.start()
    for region in regions:
        region.chat.start_worker("w1")
    for region in regions:
        await region.chat.start_edge()
    for region in regions:
        await region.chat.working()


def both(regions: dict[str, Region]) -> Chat:
    """The edges of both regions, for people who go to the other one where theirs is away."""
    chat = Chat(regions["eu"].chat.settings)
    chat.urls = [region.chat.url for region in regions.values()]
    return chat


async def verifies(region: Region) -> None:
    """Return when `parley verify` finds nothing in a region."""

    async def holds() -> bool:
        code, said = await region.chat.parley("verify")
        print(said)
        return code == 0

    await until(holds, within=120)


def _mirror(chat: Chat) -> Child:
    """A `parley mirror`, as operators run it."""
    log = chat.settings.data / "logs" / "mirror.log"
    environ = {**chat.settings.environ(), "PYTHONPATH": str(ROOT)}
    return Child([sys.executable, "-P", "-m", "app.cli", "mirror"], log, environ)
