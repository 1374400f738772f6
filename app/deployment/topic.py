"""Reading and writing `chat.deployment`, which is small: every process reads all of it."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Final
from uuid import uuid4

import structlog

from app.domain.deployment import Deployment, deployment_of
from app.errors import Malformed, ParleyError
from app.events import AnyBeginning, DeploymentMade, KeysDerived, decode_beginning, encode
from app.kafka.admin import cluster_id, connected, partition_counts, provision
from app.kafka.partition_reader import PartitionReader
from app.kafka.producer import new_producer
from app.runtime.clock import now_ms
from app.settings import Settings
from app.topics import COPYING, DEPLOYMENT, LOG, Topic

log = structlog.get_logger()

#: All records are on one partition: their order counts.
PARTITION: Final = 0

#: Milliseconds from the first start of an edge that knows derived keys until edges sign with them:
#: a rolling upgrade is over by then.
_UPGRADE_MS: Final = 24 * 60 * 60 * 1000

#: Seconds to wait for the broker.
_WITHIN: Final = 30.0


async def read_deployment(reader: PartitionReader) -> Deployment:
    """The deployment as the topic has it now."""
    found: list[AnyBeginning] = []
    async for record in reader.read(DEPLOYMENT, PARTITION, 0):
        try:
            found.append(decode_beginning(record.value))
        except Malformed as error:
            log.warning("record skipped", topic=DEPLOYMENT, reason=str(error))
    return deployment_of(found)


async def begin(settings: Settings, *beginnings: AnyBeginning) -> Deployment:
    """Write beginnings, and return the deployment after them.

    Another process may have written the same ones at the same time: those that came first count.
    """
    producer = new_producer(settings)
    await producer.start()
    try:
        for one in beginnings:
            await producer.send_and_wait(
                DEPLOYMENT, encode(one), key=b"deployment", partition=PARTITION
            )
    finally:
        await producer.stop()
    async with PartitionReader(settings) as reader:
        return await read_deployment(reader)


async def prepare(settings: Settings, topics: Iterable[Topic]) -> Deployment:
    """Create the topics that are missing, and return the deployment.

    Raises as `provision`, and `ParleyError` where the log itself is missing and the deployment is
    not: an empty log would take the place of one that has to be restored. Likewise where the
    deployment is on its way into this cluster, or has left it.
    """
    async with connected(settings, _WITHIN) as admin:
        there = await partition_counts(admin)
    if reason := unusable(settings, there):
        raise ParleyError(reason)
    await provision(settings, topics)
    deployment = await ensure_deployment(settings)
    if deployment.moved_to:
        raise ParleyError(moved_away(deployment.moved_to))
    return deployment


def unusable(settings: Settings, there: Container[str]) -> str:
    """Why no process may start with these topics in the cluster; empty where it may."""
    if COPYING in there:
        return (
            f"a deployment is being copied to {settings.broker}: wait until `parley restore` or"
            " `parley move` has ended, or run it again where it was interrupted"
        )
    if DEPLOYMENT in there and LOG not in there:
        return (
            f"the topic {LOG} is missing, and {DEPLOYMENT} is there: delete {DEPLOYMENT} and every"
            " other topic of Parley, and restore a backup with `parley restore`, or begin with"
            " nothing"
        )
    return ""


def moved_away(to: str) -> str:
    """What a process says that would serve a deployment which has moved to the broker `to`."""
    return (
        f"this deployment has moved to {to}: set PARLEY_BROKER={to}, or give the move up with"
        f" `parley move --cancel {to}`"
    )


async def ensure_deployment(settings: Settings) -> Deployment:
    """The deployment, which gets its id at the first start.

    A log that was written before deployments had ids keeps the identity that its cursors have: the
    id of its Kafka cluster.
    """
    async with PartitionReader(settings) as reader:
        known = await read_deployment(reader)
        if known.id:
            return known
        older = any(await reader.ends(LOG, settings.partitions))
    if older:
        return await begin(settings, DeploymentMade(id=await cluster_id(settings), at_ms=now_ms()))
    now = now_ms()
    made = DeploymentMade(id=uuid4().hex, at_ms=now)
    return await begin(settings, made, KeysDerived(from_ms=now))


async def ensure_derived_keys(settings: Settings, known: Deployment) -> Deployment:
    """The deployment, which says from when on edges sign with a key for each purpose.

    Edges call this: those of an earlier version may run beside the first one that does. They can't
    check what is signed with such a key, so for a day all edges sign as they do.
    """
    if known.keys_from_ms is not None:
        return known
    return await begin(settings, KeysDerived(from_ms=now_ms() + _UPGRADE_MS))
