"""What has to be there before any process starts: the topics, and the deployment with its id."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Final
from uuid import uuid4

from app.deployment.other_regions import ask_others
from app.deployment.regions import join_regions
from app.deployment.topic import begin, read_deployment
from app.domain.deployment import Deployment
from app.errors import ParleyError
from app.events import DeploymentMade, KeysDerived
from app.kafka.admin import cluster_id, connected, partition_counts, provision
from app.kafka.partition_reader import PartitionReader
from app.runtime.clock import now_ms
from app.settings import Settings
from app.topics import COPYING, DEPLOYMENT, LOG, Topic, mirrored_topics

#: Milliseconds from the first start of an edge that knows derived keys until edges sign with them:
#: a rolling upgrade is over by then.
_UPGRADE_MS: Final = 24 * 60 * 60 * 1000

#: Seconds to wait for the broker.
_WITHIN: Final = 30.0


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
    await provision(settings, [*topics, *mirrored_topics(settings.other_regions)])
    if settings.region:
        deployment = await join_regions(settings, ensure_deployment)
        deployment = await ask_others(settings, deployment)
    else:
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
