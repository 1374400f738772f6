"""One real Kafka broker (KRaft) in a child JVM."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from app.embedded.archive import Archive
from app.embedded.child import Child, tail
from app.embedded.formatting import format_data, random_id
from app.embedded.jars import classpath, fetch_jars
from app.embedded.java import Java, find_java
from app.embedded.jvm import java_command
from app.embedded.ports import free_port, listens
from app.embedded.server import Server
from app.kafka.admin import quiet

_START_SECONDS = 60.0

#: Paths are relative to the broker's folder, where it runs: a comma would make two of a path, and
#: letters beyond ASCII can't be written in a properties file.
#:
#: Small and quick to start: few internal partitions, a cleaner buffer that fits the heap. After a
#: kill -9 the controller refuses the same broker until its old session has timed out: after 9 s by
#: default, 3 here.
PROPERTIES = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=data
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor={nodes}
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor={nodes}
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=4194304
num.network.threads=2
num.io.threads=2
"""


class Quorum:
    """The brokers of one cluster, by the ports of their controllers."""

    def __init__(self, controllers: Sequence[int]) -> None:
        self.controllers = controllers
        self.cluster = random_id()

    @property
    def voters(self) -> str:
        """The voters in the form of Kafka's properties."""
        return ",".join(f"{i}@127.0.0.1:{port}" for i, port in enumerate(self.controllers, 1))


class Kafka(Server):
    """A broker with its data in `folder`; alone, or the `node` (from 1) of a quorum."""

    name = "Kafka"

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        java: Java | None = None,
        node: int = 1,
        quorum: Quorum | None = None,
    ) -> None:
        super().__init__(folder, port)
        self._node = node
        self._quorum = quorum
        self._java = java
        self._archive: Archive | None = None

    @property
    def address(self) -> str:
        """`host:port`, for Kafka's clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The value for `PARLEY_BROKER`."""
        return f"kafka://{self.address}"

    @property
    def log(self) -> Path:
        """The broker's log file."""
        return self.folder / "kafka.log"

    async def start(self) -> None:
        """Start the broker and wait until it answers; first fetch Kafka and format the folder.

        Raises `ParleyError` with the end of its log if it does not start within a minute.
        """
        if self._java is None:
            self._java = await asyncio.to_thread(find_java)
        jars = await fetch_jars(self._java)
        self._archive = Archive(self._java, jars)
        self.port = self.port or free_port()
        self._quorum = self._quorum or Quorum([free_port()])
        config = self._configure(self._quorum)
        # Without a UTF-8 locale a JVM can't open a file with other letters than ASCII in its path.
        environ = {"CLASSPATH": classpath(jars), "LC_ALL": "C.UTF-8"}
        java = java_command(self._java, "kafka.log")
        await format_data(
            self.folder / "data",
            config,
            self._node,
            self._quorum.cluster,
            jars / "first-records.checkpoint",
            [*java, *self._archive.reading()],
            environ,
        )
        java += self._archive.writing()
        command = [*java, "kafka.Kafka", config.name]
        self._child = Child(command, self.folder / "kafka.out", environ, folder=self.folder)
        ready = partial(answers, self.address)
        await self._child.up(self.name, ready, _START_SECONDS, self._log_tail)

    async def stop(self) -> None:
        """Stop the broker in order, and kill it after 20 s."""
        if self._child and await self._child.stop(grace=20) and self._archive:
            self._archive.adopt()

    def _configure(self, quorum: Quorum) -> Path:
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        config = self.folder / "server.properties"
        config.write_text(
            PROPERTIES.format(
                node=self._node,
                port=self.port,
                controller=quorum.controllers[self._node - 1],
                voters=quorum.voters,
                nodes=len(quorum.controllers),
            )
        )
        return config

    def _log_tail(self) -> str:
        return f"{tail(self.log, 8)}\n{self.child.tail(8)}"


async def answers(address: str) -> bool:
    """Whether a broker at `host:port` answers the admin API."""
    host, _, port = address.rpartition(":")
    if not await listens(int(port), host):
        return False
    admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=2000)
    try:
        with quiet():
            await admin.start()
            await admin.describe_cluster()
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await admin.close()
    return True
