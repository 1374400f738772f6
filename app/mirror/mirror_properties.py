"""The properties of MirrorMaker 2: from all other regions into this one.

Each region runs its own mirror beside its own cluster: it pulls, and what it writes is near. So a
region that is cut off can't hold up the mirrors of the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from app.events import HOME
from app.settings import Settings
from app.topics import MIRRORED, RULES_BYTES

#: The connector that copies records, as MirrorMaker names it.
SOURCE_CONNECTOR: Final = "MirrorSourceConnector"

#: A record is a little larger than its value.
_REQUEST_BYTES: Final = RULES_BYTES + 1024 * 1024

_TRANSFORMS: Final = "org.apache.kafka.connect.transforms"


def offsets_topic(region: str) -> str:
    """The topic where MirrorMaker keeps how far it has copied a region, in the target's cluster."""
    return f"mm2-offsets.{region}.internal"


def mirror_properties(settings: Settings, regions: Iterable[str] | None = None) -> str:
    """The properties for the mirror of this process's region; `regions` are all others, or some."""
    here = settings.region
    sources = settings.other_regions if regions is None else tuple(regions)
    properties = {"clusters": ",".join((*sources, here)), **_COMMON, **_replication(settings)}
    for region in (*sources, here):
        properties |= _cluster(region, settings.region_brokers[region])
    properties |= {f"{here}.{name}": value for name, value in _HERE.items()}
    for region in sources:
        properties |= {f"{region}.{name}": value for name, value in _THERE.items()}
        properties |= {f"{region}->{here}.{name}": value for name, value in _flow().items()}
    return "".join(f"{name}={_escaped(value)}\n" for name, value in properties.items())


#: The jars list their plug-ins. To look for them in all classes takes seconds.
_PLUGINS: Final = {"plugin.discovery": "service_load"}

#: Settings of the whole. Parley creates the topics itself and gives them their settings, and its
#: groups keep their places in a topic of their own, so MirrorMaker has neither to carry.
_COMMON: Final = {
    **_PLUGINS,
    "dedicated.mode.enable.internal.rest": "false",
    "replication.policy.class": "org.apache.kafka.connect.mirror.DefaultReplicationPolicy",
    "replication.policy.separator": ".",
    "refresh.topics.interval.seconds": "5",
    "emit.heartbeats.enabled": "false",
    "emit.checkpoints.enabled": "false",
    "sync.topic.configs.enabled": "false",
    "sync.topic.acls.enabled": "false",
    # By default it would be in the source's cluster, where the mirror writes nothing.
    "offset-syncs.topic.location": "target",
    # One partition, so that its end says that all was read.
    "offset.storage.partitions": "1",
    "status.storage.partitions": "1",
}

#: Settings of the cluster here, which the mirror writes to, and of its Connect worker. A mirror
#: that was killed is a member of its group until its session times out, and the next one waits for
#: that. The delay of a rebalance, 5 minutes by default, is for workers that come back.
_HERE: Final = {
    "producer.acks": "all",
    "producer.enable.idempotence": "true",
    "producer.linger.ms": "0",
    "producer.max.request.size": str(_REQUEST_BYTES),
    "offset.flush.interval.ms": "1000",
    "session.timeout.ms": "6000",
    "heartbeat.interval.ms": "2000",
    "scheduled.rebalance.max.delay.ms": "0",
    **_PLUGINS,
}

#: Settings of a cluster that the mirror reads.
_THERE: Final = {
    "consumer.auto.offset.reset": "earliest",
    "consumer.fetch.max.wait.ms": "100",
}


def _cluster(region: str, broker: str) -> dict[str, str]:
    """How a region's cluster is reached: the place for its security, once Parley has any."""
    return {f"{region}.bootstrap.servers": broker.removeprefix("kafka://")}


def _flow() -> dict[str, str]:
    """What flows from a region into this one."""
    return {
        "enabled": "true",
        "topics": ",".join(re.escape(name) for name in MIRRORED),
        "tasks.max": "2",
        # A region's copies of another region's records would come back from it.
        "transforms": "copies",
        "transforms.copies.type": f"{_TRANSFORMS}.Filter",
        "transforms.copies.predicate": "copied",
        "predicates": "copied",
        "predicates.copied.type": f"{_TRANSFORMS}.predicates.HasHeaderKey",
        "predicates.copied.name": HOME,
    }


def _replication(settings: Settings) -> dict[str, str]:
    factor = str(settings.replication)
    topics = ("offset-syncs.topic", "heartbeats.topic", "checkpoints.topic")
    stores = ("config.storage", "offset.storage", "status.storage")
    named = {f"{name}.replication.factor": factor for name in (*topics, *stores)}
    return {"replication.factor": factor, **named}


def _escaped(value: str) -> str:
    """A value as a properties file has it, where a backslash begins an escape."""
    return value.replace("\\", "\\\\")
