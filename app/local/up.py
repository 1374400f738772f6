"""`parley up`: Kafka, Valkey, a worker and an edge on this machine, in one command."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from app.backup.backup_folder import BackupFolder
from app.backup.restore import check, restore
from app.deployment.installation import Installation, record, recorded
from app.deployment.preparation import prepare
from app.embedded import valkey
from app.embedded.child import tail
from app.embedded.jars import MIRROR, fetch_jars, have_jars
from app.embedded.java import find_java
from app.embedded.kafka import Kafka
from app.embedded.ports import free_port, is_free
from app.errors import ParleyError, Unreachable
from app.kafka.admin import cluster_id
from app.local.console import Console
from app.local.data_folder import announce, held, kept_push_key, kept_secret
from app.local.demo_room import PEOPLE, address, edge_is_ready, link, lobby_is_open
from app.local.metrics_ports import free_ports, with_metrics_port
from app.local.occupants import broker_at, of_edge, of_valkey, whose
from app.local.supervisor import Command, Supervisor
from app.runtime.addresses import url_of
from app.runtime.open_files import raise_open_files
from app.settings import Settings
from app.topics import TOPICS

_READY_SECONDS = 90.0


def run(
    settings: Settings,
    named: frozenset[str],
    *,
    fresh: bool,
    edges: int = 1,
    backup: Path | None = None,
    verify: bool = False,
) -> None:
    """Start everything and run until Ctrl-C or SIGTERM; blocks.

    `named` are the settings that the environment or options set: such a broker or Valkey is used
    and none started, and such a port is not replaced by a free one. `edges` edges share the port.
    The deployment is first restored from the folder `backup`, if there is one. With `verify`,
    `parley verify --follow` compares all the time.
    """
    settings = replace(settings, data=settings.data.absolute())
    raise_open_files()
    if backup is not None:
        if fresh and backup.absolute().is_relative_to(settings.data):
            raise ParleyError(f"--fresh would delete the backup {backup}: copy it elsewhere first")
        # Before --fresh deletes anything.
        asyncio.run(check(BackupFolder(backup), lambda _: None))
    with held(settings.data, fresh, keep_secret=backup is not None):
        asyncio.run(_Up(settings, named, edges, backup, verify).run_until_signal())


class _Up:
    def __init__(
        self,
        settings: Settings,
        named: frozenset[str],
        edges: int,
        backup: Path | None,
        verify: bool,
    ) -> None:
        self._settings = settings
        self._edges = edges
        self._backup = backup
        self._verify = verify
        self._named = named
        self._console = Console()
        self._supervisor = Supervisor(self._console.say)
        #: The deployment that the data folder was last used with.
        self._own = ""

    async def run_until_signal(self) -> None:
        """Serve until a signal; a second signal kills all parts."""
        loop = asyncio.get_running_loop()
        serving = asyncio.ensure_future(self._serve())

        def on_signal() -> None:
            if serving.cancelling():
                self._supervisor.kill()
            else:
                serving.cancel()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, on_signal)
        try:
            await serving
        except asyncio.CancelledError:
            self._console.say("Stopped.")

    async def _serve(self) -> None:
        try:
            self._console.say(f"Data is kept in {self._settings.data}")
            self._own = recorded(self._settings.data).deployment
            self._settings = replace(self._settings, port=await self._edge_port())
            await self._start_broker()
            await self._start_valkey()
            self._complete_settings()
            if self._backup is not None:
                with self._console.step(f"Restoring {self._backup}"):
                    await restore(self._settings, BackupFolder(self._backup), lambda _: None)
            if self._settings.region:
                await self._start_mirror()
            with self._console.step("Topics"):
                deployment = await prepare(self._settings, TOPICS)
            now = Installation(deployment.id, await cluster_id(self._settings))
            if other := record(self._settings.data, now):
                self._console.say(f"Kafka at {self._settings.broker} is {other}")
            await self._start_chat()
            self._say_ready()
            while True:
                await self._supervisor.tick()
                await asyncio.sleep(0.2)
        finally:
            if not self._supervisor.empty:
                self._console.say("\nStopping …")
            await self._supervisor.stop()

    async def _start_broker(self) -> None:
        if "broker" in self._named:
            self._console.say(f"Kafka: yours, at {self._settings.broker}")
            return
        if not have_jars():
            with self._console.step(
                "Fetching Apache Kafka by Maven (50 MB, once; a minute or two)"
            ):
                await fetch_jars(find_java())
        kafka = Kafka(self._settings.data / "kafka", await self._broker_port())
        with self._console.step(f"Kafka on {kafka.address}"):
            await self._supervisor.start("Kafka", kafka)
        self._settings = replace(self._settings, broker=kafka.url)

    async def _start_valkey(self) -> None:
        if "redis" in self._named:
            self._console.say("Valkey: yours, as PARLEY_REDIS says")
            if not await valkey.answers(self._settings.redis):
                raise Unreachable("no Valkey or Redis answers at PARLEY_REDIS")
            return
        port = await self._port_near(6379, "a Valkey", self._valkey_at)
        server = valkey.Valkey(self._settings.data / "valkey", port, persist=True)
        with self._console.step(f"Valkey on 127.0.0.1:{server.port}"):
            await self._supervisor.start("Valkey", server)
        self._settings = replace(self._settings, redis=server.url)

    def _complete_settings(self) -> None:
        settings = self._settings
        self._settings = replace(
            settings,
            secret=settings.secret or kept_secret(settings.data),
            push_key=settings.push_key or kept_push_key(settings.data),
            worker=settings.worker or "up",
            prometheus_port=self._metrics_port(),
        )
        announce(self._settings)

    async def _broker_port(self) -> int:
        """The port that the other regions know; in a deployment of one region the usual one."""
        if not self._settings.region:
            return await self._port_near(9092, "a Kafka", partial(broker_at, self._settings))
        broker = self._settings.region_brokers[self._settings.region]
        port = broker.rpartition(":")[2]
        if "," in broker or not port.isdecimal():
            raise ParleyError(f"`parley up` starts one broker, and PARLEY_REGIONS has {broker}")
        if not is_free(int(port)):
            by = whose("a Kafka", await broker_at(self._settings, int(port)), self._own)
            raise ParleyError(
                f"port {port}, which this region's broker has in PARLEY_REGIONS, is taken{by}"
            )
        return int(port)

    async def _edge_port(self) -> int:
        wanted, host = self._settings.port, self._settings.host
        if is_free(wanted, host):
            return wanted
        by = whose("an edge", await of_edge(address(self._settings)), self._own)
        if "port" in self._named:
            raise ParleyError(f"port {wanted} is taken{by}; give another one with --port")
        port = next((p for p in range(wanted + 1, wanted + 100) if is_free(p, host)), 0)
        if not port:
            raise ParleyError(f"ports {wanted} to {wanted + 99} are taken; give one with --port")
        self._console.say(f"Port {wanted} is taken{by}; taking {port}")
        return port

    async def _port_near(
        self, usual: int, part: str, look: Callable[[int], Awaitable[str | None]]
    ) -> int:
        """The usual port, which other tools expect, or any free port."""
        if is_free(usual):
            return usual
        port = free_port()
        by = whose(part, await look(usual), self._own)
        self._console.say(f"Port {usual} is taken{by}; taking {port}")
        return port

    async def _valkey_at(self, port: int) -> str | None:
        return await of_valkey(f"redis://127.0.0.1:{port}/0")

    def _metrics_port(self) -> int:
        """The worker's; each edge has the next one, and `verify` the one after them."""
        settings = self._settings
        if "prometheus_port" in self._named:
            return settings.prometheus_port
        return free_ports(self._processes, settings.prometheus_host)

    @property
    def _processes(self) -> int:
        """The processes with metrics."""
        return 1 + self._edges + self._verify

    async def _start_mirror(self) -> None:
        logs, environ = self._settings.data / "logs", self._settings.environ()
        if not have_jars(MIRROR):
            with self._console.step("Fetching MirrorMaker by Maven (once)"):
                await fetch_jars(find_java(), MIRROR)
        mirror = Command(["mirror"], logs / "mirror.log", environ)
        await self._supervisor.start("the mirror", mirror)

    async def _start_chat(self) -> None:
        logs = self._settings.data / "logs"
        more = [f"edge {i}" for i in range(2, self._edges + 1)]
        for index, name in enumerate(("worker", "edge", *more)):
            log = logs / f"{name.replace(' ', '-')}.log"
            environ = with_metrics_port(self._settings, index).environ()
            await self._supervisor.start(f"the {name}", Command([name.split()[0]], log, environ))
        with self._console.step(f"Edge on {address(self._settings)}"):
            await self._wait("edge", edge_is_ready)
        if self._settings.takes_hs256:
            with self._console.step("Worker, and the room “lobby” through it"):
                await self._wait("worker", lobby_is_open)
        if self._verify:
            environ = with_metrics_port(self._settings, 1 + self._edges).environ()
            follow = Command(["verify", "--follow", "--json"], logs / "verify.log", environ)
            await self._supervisor.start("the verification", follow)
            self._console.say(f"Differences go to {logs / 'verify.log'}")

    async def _wait(self, name: str, ready: Callable[[Settings], Awaitable[bool]]) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not await ready(self._settings):
            await self._supervisor.tick()
            ended = self._supervisor.ends(f"the {name}")
            if ended >= 3 or time.monotonic() > deadline:
                how = "keeps ending" if ended else "is not ready"
                said = tail(self._settings.data / "logs" / f"{name}.log", 12)
                raise ParleyError(f"the {name} {how}; its log says:\n{said}")
            await asyncio.sleep(0.1)

    def _say_ready(self) -> None:
        self._console.say(f"\nReady in {self._console.seconds:.1f} s: {address(self._settings)}/\n")
        if first := self._settings.prometheus_port:
            ports = range(first, first + self._processes)
            urls = [f"{url_of(self._settings.prometheus_host, port)}/metrics" for port in ports]
            self._console.say(f"For Prometheus: {' '.join(urls)}\n")
        if not self._settings.takes_hs256:
            self._console.say("Tokens are those of your issuer. Ctrl-C stops everything.")
            return
        for user in PEOPLE:
            self._console.say(f"  {user}:  {link(self._settings, user)}\n")
        self._console.say("Open one link in each of two windows. Ctrl-C stops everything.")
